/* Every evaluation: who asked, why, what it took. */
#include "page.h"
#include "text.h"

static void chosen(session* s, uint32_t row) {
  s->shown_eval = row;
  session_select(s, SELECT_EVAL, row, s->m->evals[row].begin_ns);
}

GtkWidget* page_evals(session* s) {
  static const char* const titles[] = {
      ">Eval", "Trigger", "Where", ">Nodes", ">Kernels", ">Call", ">Planning"};
  const model* m = s->m;
  GtkListStore* rows = gtk_list_store_new(
      8,
      G_TYPE_UINT,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING);
  for (uint32_t i = 0; i < m->n_evals; i++) {
    const model_eval* e = &m->evals[i];
    char id[32], where[256], nodes[TEXT_SIZE], kernels[TEXT_SIZE],
        call[TEXT_SIZE], plan[TEXT_SIZE];
    snprintf(id, sizeof id, "%llu", (unsigned long long)e->id);
    summary_place_text(
        where, sizeof where, m, summary_place_of(m, e->stack), false);
    if (e->end_ns == UINT64_MAX)
      snprintf(call, sizeof call, "never returned");
    else
      text_ns(call, e->end_ns - e->begin_ns);
    gtk_list_store_insert_with_values(
        rows,
        NULL,
        -1,
        0,
        i,
        1,
        id,
        2,
        text_trigger(e->trigger),
        3,
        where,
        4,
        text_count(nodes, e->nodes),
        5,
        text_count(kernels, e->kernels),
        6,
        call,
        7,
        text_ns(plan, e->plan_ns),
        -1);
  }
  return page_table(s, G_N_ELEMENTS(titles), titles, rows, chosen);
}
