/* Learns to write as a text is written, one character after the other, then
 * writes.
 *
 *   charlm [OPTIONS] [TEXT]      /usr/share/common-licenses/GPL-3 unless told
 *
 * Exits with 1 where the loss did not fall. */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "charlm.h"

typedef struct options {
  const char *path, *save;
  model m;
  train_options train;
  generate_options generate;
  bool quiet;
} options;

static const char usage[] =
    "usage: charlm [OPTIONS] [TEXT]\n"
    "\n"
    "  --steps N         steps of training (200)\n"
    "  --batch N         places of the text in a step (16)\n"
    "  --context N       characters that the model sees (64)\n"
    "  --dim N           width (128)\n"
    "  --layers N        layers (4)\n"
    "  --heads N         heads of attention (4)\n"
    "  --rate X          Adam's rate (0.002)\n"
    "  --seed N          of parameters, batches and draws (1)\n"
    "  --every N         steps between two lines, 0: none (10)\n"
    "  --compile         compile the training step\n"
    "  --no-compile      do not (as it is unless told)\n"
    "  --generate N      characters to write then (200)\n"
    "  --temperature X   of the draws, 0: always the likeliest (0.7)\n"
    "  --prompt WORDS    what to go on from\n"
    "  --save FILE       keep the parameters, as safetensors\n"
    "  --quiet           neither losses nor text, only the summary\n";

double charlm_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void wrong(const char* option, const char* value, const char* want) {
  fprintf(stderr, "charlm: --%s %s: %s\n", option, value, want);
  exit(2);
}

static int whole(const char* option, const char* value, int least) {
  char* end;
  errno = 0;
  long n = strtol(value, &end, 10);
  char want[64];
  snprintf(want, sizeof want, "a whole number from %d on is wanted", least);
  if (errno || end == value || *end || n < least || n > 1 << 20)
    wrong(option, value, want);
  return (int)n;
}

static double real(const char* option, const char* value) {
  char* end;
  double x = strtod(value, &end);
  if (end == value || *end || !(x >= 0 && x <= 1e6))
    wrong(option, value, "a number from 0 on is wanted");
  return x;
}

static void options_read(options* o, int argc, char** argv) {
  enum {
    STEPS = 256,
    BATCH,
    CONTEXT,
    DIM,
    LAYERS,
    HEADS,
    RATE,
    SEED,
    EVERY,
    COMPILE,
    NO_COMPILE,
    GENERATE,
    TEMPERATURE,
    PROMPT,
    SAVE,
    QUIET,
    HELP
  };
  static const struct option known[] = {
      {"steps", 1, NULL, STEPS},
      {"batch", 1, NULL, BATCH},
      {"context", 1, NULL, CONTEXT},
      {"dim", 1, NULL, DIM},
      {"layers", 1, NULL, LAYERS},
      {"heads", 1, NULL, HEADS},
      {"rate", 1, NULL, RATE},
      {"seed", 1, NULL, SEED},
      {"every", 1, NULL, EVERY},
      {"compile", 0, NULL, COMPILE},
      {"no-compile", 0, NULL, NO_COMPILE},
      {"generate", 1, NULL, GENERATE},
      {"temperature", 1, NULL, TEMPERATURE},
      {"prompt", 1, NULL, PROMPT},
      {"save", 1, NULL, SAVE},
      {"quiet", 0, NULL, QUIET},
      {"help", 0, NULL, HELP},
      {0}};
  int kind, at = 0;
  while ((kind = getopt_long(argc, argv, "", known, &at)) != -1) {
    const char* name = kind == '?' ? "" : known[at].name;
    switch (kind) {
      case STEPS:
        o->train.steps = whole(name, optarg, 0);
        break;
      case BATCH:
        o->train.batch = whole(name, optarg, 1);
        break;
      case CONTEXT:
        o->m.context = whole(name, optarg, 1);
        break;
      case DIM:
        o->m.dim = whole(name, optarg, 2);
        break;
      case LAYERS:
        o->m.layers = whole(name, optarg, 1);
        break;
      case HEADS:
        o->m.heads = whole(name, optarg, 1);
        break;
      case RATE:
        o->train.rate = real(name, optarg);
        break;
      case SEED:
        o->train.seed = (uint64_t)whole(name, optarg, 0);
        break;
      case EVERY:
        o->train.every = whole(name, optarg, 0);
        break;
      case COMPILE:
        o->train.compile = true;
        break;
      case NO_COMPILE:
        o->train.compile = false;
        break;
      case GENERATE:
        o->generate.count = whole(name, optarg, 0);
        break;
      case TEMPERATURE:
        o->generate.temperature = real(name, optarg);
        break;
      case PROMPT:
        o->generate.prompt = optarg;
        break;
      case SAVE:
        o->save = optarg;
        break;
      case QUIET:
        o->quiet = true;
        break;
      case HELP:
        fputs(usage, stdout);
        exit(0);
      default:
        fputs(usage, stderr);
        exit(2);
    }
  }
  if (optind < argc) o->path = argv[optind++];
  if (optind < argc) {
    fputs(usage, stderr);
    exit(2);
  }
  if (o->m.dim % o->m.heads || o->m.dim / o->m.heads % 2) {
    fprintf(
        stderr,
        "charlm: --dim %d --heads %d: each head needs an even width\n",
        o->m.dim,
        o->m.heads);
    exit(2);
  }
  o->generate.seed = o->train.seed;
  o->generate.quiet = o->quiet;
  if (o->quiet) o->train.every = 0;
}

/* The prompt must be made of what the text is made of. */
static int prompt_check(const text* t, const char* prompt) {
  if (!*prompt) {
    fprintf(stderr, "charlm: --prompt: nothing to go on from\n");
    return 1;
  }
  for (const char* c = prompt; *c; c++) {
    if (t->token_of[(unsigned char)*c] < 0) {
      fprintf(stderr, "charlm: --prompt: '%c' is not in the text\n", *c);
      return 1;
    }
  }
  return 0;
}

static void save(
    const char* path, const model* m, const mlx_array* parameters) {
  mlx_map_string_to_array arrays = mlx_map_string_to_array_new();
  mlx_map_string_to_string about = mlx_map_string_to_string_new();
  for (int i = 0; i < model_parameters(m); i++) {
    char name[MODEL_NAME];
    model_name(name, m, i);
    mlx_map_string_to_array_insert(arrays, name, parameters[i]);
  }
  mlx_save_safetensors(path, arrays, about);
  mlx_map_string_to_string_free(about);
  mlx_map_string_to_array_free(arrays);
}

static double megabytes(void) {
  size_t peak = 0;
  mlx_get_peak_memory(&peak);
  return (double)peak / 1e6;
}

static int run(const options* o, const text* t, mlx_stream s) {
  const model* m = &o->m;
  int count = model_parameters(m), failed = 0;
  mlx_array parameters[count];
  model_init(m, o->train.seed, parameters, s);

  if (o->train.steps) {
    train_result r;
    train(m, t, &o->train, parameters, &r, s);
    double tokens = (double)o->train.batch * m->context;
    printf(
        "trained: loss %.4f to %.4f, %d steps in %.2f s, median %.2f ms, "
        "%.0f tokens/s, peak %.2f MB\n",
        (double)r.first,
        (double)r.last,
        o->train.steps,
        r.seconds,
        r.median * 1e3,
        tokens / r.median,
        megabytes());
    failed = o->train.steps > 1 && !(r.last < r.first);
    if (failed) fprintf(stderr, "charlm: the loss did not fall\n");
  }
  if (o->save) save(o->save, m, parameters);
  if (o->generate.count) {
    mlx_reset_peak_memory();
    double seconds = generate(m, t, &o->generate, parameters, s);
    printf(
        "wrote: %d characters in %.3f s, %.0f tokens/s, peak %.2f MB\n",
        o->generate.count,
        seconds,
        o->generate.count / seconds,
        megabytes());
  }
  for (int i = 0; i < count; i++) mlx_array_free(parameters[i]);
  return failed;
}

int main(int argc, char** argv) {
  options o = {
      .path = "/usr/share/common-licenses/GPL-3",
      .m = {.context = 64, .dim = 128, .layers = 4, .heads = 4},
      .train =
          {.steps = 200, .batch = 16, .every = 10, .rate = 0.002, .seed = 1},
      .generate = {.prompt = "The licens", .count = 200, .temperature = 0.7}};
  text t;
  options_read(&o, argc, argv);
  if (text_read(&t, o.path, o.m.context)) return 1;
  o.m.vocabulary = t.vocabulary;
  int failed = prompt_check(&t, o.generate.prompt);
  if (!failed) {
    mlx_stream s = mlx_default_cpu_stream_new();
    failed = run(&o, &t, s);
    mlx_stream_free(s);
  }
  text_free(&t);
  return failed;
}
