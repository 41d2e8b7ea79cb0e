#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "api/vector.h"

int api_string_take(mlx_string* res, char* text) {
  if (res->ctx) {
    lz_text* s = res->ctx;
    free(s->text);
    s->text = text;
    return 0;
  }
  lz_text* s = malloc(sizeof *s);
  if (!s) {
    free(text);
    return error_memory() == NULL;
  }
  s->text = text;
  res->ctx = s;
  return 0;
}

int api_string_set(mlx_string* res, const char* text) {
  char* copy = strdup(text);
  return copy ? api_string_take(res, copy) : error_memory() == NULL;
}

mlx_string mlx_string_new(void) {
  return (mlx_string){0};
}

mlx_string mlx_string_new_data(const char* str) {
  mlx_string res = {0};
  if (!str)
    API_RAISE("[string_new_data] argument str: the pointer is NULL");
  else if (api_string_set(&res, str))
    API_REPORT();
  return res;
}

int mlx_string_set(mlx_string* str, const mlx_string src) {
  if (!str) return API_RAISE("[string_set] argument str: the pointer is NULL");
  if (!src.ctx) return API_RAISE("[string_set] argument src: it is empty");
  if (str->ctx == src.ctx) return 0;
  return api_string_set(str, ((lz_text*)src.ctx)->text) ? API_REPORT() : 0;
}

const char* mlx_string_data(mlx_string str) {
  if (str.ctx) return ((lz_text*)str.ctx)->text;
  API_RAISE("[string_data] argument str: it is empty");
  return NULL;
}

int mlx_string_free(mlx_string str) {
  if (!str.ctx) return 0;
  free(((lz_text*)str.ctx)->text);
  free(str.ctx);
  return 0;
}
