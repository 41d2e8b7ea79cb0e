#include "support.h"

#include <stdio.h>

static int count;
static char last[4096];

static void remember(const char* message, void* data) {
  (void)data;
  count++;
  snprintf(last, sizeof last, "%s", message);
}

int errors_catch(void** state) {
  (void)state;
  count = 0;
  last[0] = 0;
  mlx_set_error_handler(remember, NULL, NULL);
  return 0;
}

int errors_count(void) {
  return count;
}
const char* errors_last(void) {
  return last;
}

void errors_take_at(int n, const char* words, const char* file, int line) {
  if (count != n || (n && !strstr(last, words))) {
    print_error(
        "%d errors where %d were expected; wanted \"%s\" in \"%s\"\n",
        count,
        n,
        words,
        last);
    _fail(file, line);
  }
  count = 0;
  last[0] = 0;
}

mlx_array floats(int n) {
  float* data = malloc(sizeof(float) * (size_t)n);
  for (int i = 0; i < n; i++) data[i] = (float)(i + 1);
  mlx_array a = mlx_array_new_data(data, &n, 1, MLX_FLOAT32);
  free(data);
  assert_non_null(a.ctx);
  return a;
}

char* text_of(mlx_array a) {
  mlx_string s = mlx_string_new();
  assert_int_equal(mlx_array_tostring(&s, a), 0);
  char* text = strdup(mlx_string_data(s));
  mlx_string_free(s);
  return text;
}
