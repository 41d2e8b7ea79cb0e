/* What did not fuse, why, and what that moved. */
#include "page.h"
#include "text.h"

static void chosen(session* s, uint32_t row) {
  uint32_t node = s->m->refusals[row].consumer;
  if (node != MODEL_NONE)
    session_select(s, SELECT_NODE, node, s->m->nodes[node].time_ns);
}

GtkWidget* page_fusion(session* s) {
  static const char* const titles[] = {
      ">Bytes moved", ">Count", "Producer", "Consumer", "Reason", "Why"};
  const summary* t = s->totals;
  GtkListStore* rows = gtk_list_store_new(
      7,
      G_TYPE_UINT,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING);
  for (uint32_t i = 0; t && i < t->n_refusals; i++) {
    const summary_refusal* r = &t->refusals[i];
    char bytes[TEXT_SIZE], count[TEXT_SIZE], at[256], from[300], to[300];
    summary_place_text(at, sizeof at, s->m, r->producer, false);
    snprintf(
        from, sizeof from, "%s  %s", model_string(s->m, r->producer_op), at);
    summary_place_text(at, sizeof at, s->m, r->consumer, false);
    snprintf(to, sizeof to, "%s  %s", model_string(s->m, r->consumer_op), at);
    gtk_list_store_insert_with_values(
        rows,
        NULL,
        -1,
        0,
        r->first,
        1,
        text_bytes(bytes, r->bytes),
        2,
        text_count(count, r->count),
        3,
        from,
        4,
        to,
        5,
        text_refusal(r->reason),
        6,
        text_refusal_why(r->reason),
        -1);
  }
  return page_table(s, G_N_ELEMENTS(titles), titles, rows, chosen);
}
