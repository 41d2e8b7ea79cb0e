/* lazuli record: starts a program with the recorder preloaded, by exec: what
 * runs then is the program itself, so its exit status, signals, input and
 * output are its own. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../record/record_options.h"
#include "cli.h"

#define RECORDER "liblazuli-record.so"

static const struct {
  const char* flag;
  const char* variable;
  const char* argument;
  const char* text;
} options[] = {
#define OPTION(id, flag, variable, argument, text) \
  {flag, variable, argument, text},
#include "../record/options.def"
#undef OPTION
};

static void record_help(void) {
  printf(
      "usage: lazuli record [-o FILE] [OPTIONS] [--] PROGRAM [ARGUMENTS]\n\n"
      "Runs the program as it is and records what its array runtime does "
      "(Lazuli or MLX).\nThe default file is <program>.<pid>.lzt; children "
      "write files of their own.\n\n");
  for (size_t i = 0; i < sizeof options / sizeof *options; i++)
    printf(
        "  %s%s=%s\n      %s\n      in the environment: %s\n",
        i == RECORD_OPTION_OUTPUT ? "-o, " : "",
        options[i].flag,
        options[i].argument,
        options[i].text,
        options[i].variable);
  printf(
      "\nTo record a program that someone else starts, set "
      "LD_PRELOAD=<...>/" RECORDER
      "\nand these variables in its "
      "environment.\n");
}

/* The recorder's library: beside the build's bin/, or where it is installed. */
static int record_find_library(char* out, size_t size) {
  static const char* const places[] = {
      "../lib/" RECORDER,
      "../" LAZULI_LIBDIR "/lazuli/" RECORDER,
      "../lib/lazuli/" RECORDER};
  char self[PATH_MAX], path[PATH_MAX + 64];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n < 0) return 1;
  self[n] = '\0';
  char* slash = strrchr(self, '/');
  if (!slash) return 1;
  slash[1] = '\0';
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    snprintf(path, sizeof path, "%s%s", self, places[i]);
    char* real = realpath(path, NULL);
    if (!real) continue;
    bool fits = strlen(real) < size;
    if (fits) strcpy(out, real);
    free(real);
    if (fits) return 0;
  }
  return 1;
}

/* The program may change its directory before it meets a runtime. */
static char* record_absolute(const char* file) {
  char* directory = file[0] == '/' ? NULL : getcwd(NULL, 0);
  size_t length = directory ? strlen(directory) : 0;
  char* out = malloc(2 * length + strlen(file) + 2);
  char* at = out;
  if (out && directory) {
    for (size_t i = 0; i < length; i++) {
      if (directory[i] == '%') *at++ = '%';
      *at++ = directory[i];
    }
    if (directory[1]) *at++ = '/';
  }
  if (out) strcpy(at, file);
  free(directory);
  return out;
}

/* The folder of a pattern, where its name does not depend on the process; NULL
 * where it does. */
static char* record_folder(const char* file) {
  const char* slash = strrchr(file, '/');
  if (!slash) return strdup(".");
  char* out = strdup(file);
  char* to = out;
  for (const char* at = file; out && at <= slash; at++) {
    if (*at == '%' && *++at != '%') {
      free(out);
      return NULL;
    }
    *to++ = *at;
  }
  if (out) *to = '\0';
  return out;
}

/* Whether a trace can be created; complains if not. Removes an older one: what
 * is there when the program ends is of this run. */
static bool record_writable(const char* file) {
  struct stat is;
  if (strchr(file, '%')) {
    char* folder = record_folder(file);
    bool there = !folder || access(folder, W_OK | X_OK) == 0;
    if (!there)
      cli_complain(
          "record",
          "cannot create files in %s: %s; the program runs unrecorded",
          folder,
          strerror(errno));
    free(folder);
    return there;
  }
  if (stat(file, &is) == 0 && S_ISDIR(is.st_mode)) {
    if (access(file, W_OK) == 0) return true;
  } else {
    int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd >= 0) {
      if (fstat(fd, &is) == 0 && S_ISREG(is.st_mode)) unlink(file);
      close(fd);
      return true;
    }
  }
  cli_complain(
      "record",
      "cannot create %s: %s; the program runs unrecorded",
      file,
      strerror(errno));
  return false;
}

static int record_preload(void) {
  char library[PATH_MAX];
  if (record_find_library(library, sizeof library) != 0) {
    cli_complain("record", "cannot find " RECORDER " beside this program");
    return CLI_FAILED;
  }
  if (strpbrk(library, " :")) {
    cli_complain(
        "record",
        "the path %s has a space or a colon in it, which LD_PRELOAD cannot "
        "name",
        library);
    return CLI_FAILED;
  }
  const char* before = getenv("LD_PRELOAD");
  if (before && *before) {
    size_t size = strlen(library) + strlen(before) + 2;
    char* both = malloc(size);
    if (!both) return CLI_FAILED;
    snprintf(both, size, "%s:%s", library, before);
    setenv("LD_PRELOAD", both, 1);
    free(both);
  } else {
    setenv("LD_PRELOAD", library, 1);
  }
  return CLI_OK;
}

/* Takes one option at argv[i]. Returns how many arguments it used, 0 where
 * there is none, -1 after a complaint. */
static int record_option(int argc, char** argv, int i) {
  record_options checked;
  char why[256];
  const char* value = NULL;
  size_t which = 0;
  int used = 1;
  if (strncmp(argv[i], "-o", 2) == 0) {
    which = RECORD_OPTION_OUTPUT;
    if (argv[i][2]) value = argv[i] + 2;
  } else {
    size_t length = strcspn(argv[i], "=");
    for (; which < RECORD_OPTION_COUNT; which++)
      if (strlen(options[which].flag) == length &&
          strncmp(argv[i], options[which].flag, length) == 0)
        break;
    if (argv[i][length]) value = argv[i] + length + 1;
  }
  if (which == RECORD_OPTION_COUNT) {
    cli_complain("record", "no option %s; see lazuli record --help", argv[i]);
    return -1;
  }
  if (!value) {
    if (i + 1 == argc) {
      cli_complain("record", "%s wants %s", argv[i], options[which].argument);
      return -1;
    }
    value = argv[i + 1];
    used = 2;
  }
  record_options_init(&checked);
  if (!*value) {
    cli_complain("record", "%s wants %s", argv[i], options[which].argument);
    return -1;
  }
  if (record_options_set(
          &checked, (enum record_option)which, value, why, sizeof why) != 0) {
    cli_complain("record", "%s: %s", options[which].flag, why);
    return -1;
  }
  setenv(options[which].variable, value, 1);
  return used;
}

int cmd_record(int argc, char** argv) {
  int i = 1;
  while (i < argc && argv[i][0] == '-') {
    if (strcmp(argv[i], "--") == 0) {
      i++;
      break;
    }
    if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
      record_help();
      return CLI_OK;
    }
    int used = record_option(argc, argv, i);
    if (used < 0) return CLI_MISUSED;
    i += used;
  }
  if (i >= argc) {
    cli_complain("record", "which program? lazuli record [-o FILE] -- PROGRAM");
    return CLI_MISUSED;
  }
  const char* output = getenv("LAZULI_TRACE");
  bool on = !output || strcmp(output, "off") != 0;
  char* file = record_absolute(output && *output ? output : "%n.%p.lzt");
  if (on && file && record_writable(file)) {
    setenv("LAZULI_TRACE", file, 1);
    int status = record_preload();
    if (status != CLI_OK) return status;
  }
  free(file);
  execvp(argv[i], argv + i);
  /* As shells do. */
  int status = errno == ENOENT ? 127 : 126;
  cli_complain("record", "cannot run %s: %s", argv[i], strerror(errno));
  return status;
}
