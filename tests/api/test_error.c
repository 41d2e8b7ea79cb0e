/* Errors: the handler, its data, the default. */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

static int calls, dtors;
static void* seen;

static void handler(const char* message, void* data) {
  calls++;
  seen = data;
  (void)message;
}
static void dtor(void* data) {
  dtors++;
  *(int*)data = -1;
}

static void provoke(void) {
  mlx_string_data(mlx_string_new());
}

static void data_only_with_a_destructor(void** state) {
  (void)state;
  int data = 7;
  calls = dtors = 0;
  mlx_set_error_handler(handler, &data, dtor);
  provoke();
  assert_int_equal(calls, 1);
  assert_ptr_equal(seen, &data);
  assert_int_equal(dtors, 0);

  mlx_set_error_handler(handler, &data, NULL);
  assert_int_equal(dtors, 1);
  assert_int_equal(data, -1);
  provoke();
  assert_int_equal(calls, 2);
  assert_null(seen);
  mlx_set_error_handler(handler, NULL, NULL);
  assert_int_equal(dtors, 1);
}

static void message_names_place(void** state) {
  errors_catch(state);
  provoke();
  assert_int_equal(errors_count(), 1);
  const char* at = strrchr(errors_last(), ' ');
  const char* colon = strrchr(errors_last(), ':');
  assert_non_null(strstr(errors_last(), " at "));
  assert_non_null(at);
  assert_true(colon > at && atoi(colon + 1) > 0);
  assert_non_null(strstr(errors_last(), "[string_data]"));
}

static void text_of_the_program_is_no_format(void** state) {
  errors_catch(state);
  int line = __LINE__ + 1;
  mlx_error("%s: %d%%", "100%n%s", 5);
  assert_int_equal(errors_count(), 1);
  char expected[512];
  snprintf(
      expected, sizeof expected, "100%%n%%s: 5%% at %s:%d", __FILE__, line);
  assert_string_equal(errors_last(), expected);
}

static void long_messages_are_whole(void** state) {
  errors_catch(state);
  char* words = malloc(3000);
  memset(words, 'x', 2999);
  words[2999] = 0;
  _mlx_error("f.c", 3, "%s!", words);
  assert_int_equal(strlen(errors_last()), 2999 + strlen("! at f.c:3"));
  free(words);
}

static void handler_may_call_the_interface(const char* message, void* data) {
  (void)data;
  if (calls++ == 0) {
    char copy[256];
    snprintf(copy, sizeof copy, "%s", message);
    provoke(); /* fails inside the handler */
    assert_string_equal(copy, message);
  }
}

static void failing_inside_the_handler(void** state) {
  (void)state;
  calls = 0;
  mlx_set_error_handler(handler_may_call_the_interface, NULL, NULL);
  provoke();
  assert_int_equal(calls, 2);
  provoke();
  assert_int_equal(calls, 3);
}

/* Runs in a child whose output is caught. Returns its exit status. */
static int default_in_child(void (*before)(void), char* out, size_t size) {
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  fflush(NULL);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 1);
    close(ends[0]);
    before();
    provoke();
    _exit(77); /* not reached */
  }
  close(ends[1]);
  size_t have = 0;
  ssize_t n;
  while (have + 1 < size &&
         (n = read(ends[0], out + have, size - 1 - have)) > 0)
    have += (size_t)n;
  out[have] = 0;
  close(ends[0]);
  int status;
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static void set_null(void) {
  mlx_set_error_handler(handler, NULL, NULL);
  mlx_set_error_handler(NULL, NULL, NULL);
}

static void null_restores_the_default(void** state) {
  (void)state;
  char out[1024];
  assert_int_equal(default_in_child(set_null, out, sizeof out), 255);
  assert_memory_equal(out, "MLX error: [string_data]", 24);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(data_only_with_a_destructor),
      cmocka_unit_test(message_names_place),
      cmocka_unit_test(text_of_the_program_is_no_format),
      cmocka_unit_test(long_messages_are_whole),
      cmocka_unit_test(failing_inside_the_handler),
      cmocka_unit_test(null_restores_the_default),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
