/* Kernels by name, the dearest first. */
#include "page.h"
#include "text.h"

static void chosen(session* s, uint32_t row) {
  const model_kernel* k = &s->m->kernels[row];
  session_select(s, SELECT_KERNEL, row, k->begin_ns);
}

GtkWidget* page_kernels(session* s) {
  static const char* const titles[] = {
      ">Time",
      ">Share",
      ">Count",
      "Kernel",
      ">Mean",
      ">GB/s",
      ">GFLOP/s",
      ">Not moved"};
  const summary* t = s->totals;
  GtkListStore* rows = gtk_list_store_new(
      9,
      G_TYPE_UINT,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING,
      G_TYPE_STRING);
  for (uint32_t i = 0; t && i < t->n_kernels; i++) {
    const summary_kernel* k = &t->kernels[i];
    char total[TEXT_SIZE], share[16], count[TEXT_SIZE], mean[TEXT_SIZE],
        bytes[24], flops[24], saved[TEXT_SIZE];
    double seconds = (double)k->total_ns / 1e9;
    snprintf(
        share,
        sizeof share,
        "%.1f %%",
        t->kernel_ns ? 100.0 * (double)k->total_ns / (double)t->kernel_ns : 0);
    snprintf(
        bytes,
        sizeof bytes,
        "%.2f",
        seconds > 0 ? (double)(k->bytes_read + k->bytes_written) / seconds / 1e9
                    : 0);
    snprintf(
        flops,
        sizeof flops,
        "%.2f",
        seconds > 0 ? (double)k->flops / seconds / 1e9 : 0);
    gtk_list_store_insert_with_values(
        rows,
        NULL,
        -1,
        0,
        k->first,
        1,
        text_ns(total, k->total_ns),
        2,
        share,
        3,
        text_count(count, k->count),
        4,
        model_string(s->m, k->name),
        5,
        text_ns(mean, k->count ? k->total_ns / k->count : 0),
        6,
        bytes,
        7,
        flops,
        8,
        text_bytes(saved, k->bytes_saved),
        -1);
  }
  return page_table(s, G_N_ELEMENTS(titles), titles, rows, chosen);
}
