#include <errno.h>
#include <graphviz/cgraph.h>
#include <graphviz/gvc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "canvas.h"
#include "draw.h"
#include "export_dot.h"

int draw_graphviz(
    const graph* g,
    graph_by by,
    const char* path,
    char* error,
    size_t error_size) {
  static const char* const formats[] = {
      [CANVAS_SVG] = "svg", [CANVAS_PNG] = "png", [CANVAS_PDF] = "pdf"};
  char* text = NULL;
  size_t size = 0;
  FILE* memory = open_memstream(&text, &size);
  int failed = !memory || export_dot(memory, g, by);
  if (memory) failed |= fclose(memory) != 0;
  /* Graphviz says nothing useful of a file it cannot write. */
  FILE* out = failed ? NULL : fopen(path, "wb");
  if (failed)
    snprintf(error, error_size, "not enough memory for the picture");
  else if (!out)
    snprintf(error, error_size, "%s: %s", path, strerror(errno));
  if (!out) {
    free(text);
    return 1;
  }
  GVC_t* gvc = gvContext();
  Agraph_t* ag = gvc ? agmemread(text) : NULL;
  failed = !ag || gvLayout(gvc, ag, "dot") != 0;
  if (!failed) {
    failed = gvRender(gvc, ag, formats[canvas_format_of(path)], out) != 0;
    gvFreeLayout(gvc, ag);
  }
  if (ag) agclose(ag);
  if (gvc) gvFreeContext(gvc);
  failed |= fclose(out) != 0;
  if (failed) snprintf(error, error_size, "%s: Graphviz cannot draw it", path);
  free(text);
  return failed;
}
