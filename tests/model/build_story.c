/* build_story STORY FILE [NODES]: writes one of the traces made to order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build_trace.h"

int main(int argc, char** argv) {
  static const struct {
    const char* name;
    void (*build)(const char* path);
  } stories[] = {
      {"chain", build_chain},
      {"training", build_training},
      {"killed", build_killed},
      {"odd", build_odd},
  };
  if (argc == 4 && !strcmp(argv[1], "large")) {
    build_large(argv[2], (uint32_t)atoi(argv[3]));
    return 0;
  }
  for (size_t i = 0; argc == 3 && i < sizeof stories / sizeof *stories; i++)
    if (!strcmp(argv[1], stories[i].name)) {
      stories[i].build(argv[2]);
      return 0;
    }
  fprintf(
      stderr,
      "usage: build_story chain|training|killed|odd FILE\n"
      "       build_story large FILE NODES\n");
  return 2;
}
