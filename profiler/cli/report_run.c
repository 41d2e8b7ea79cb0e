/* The run as a whole: header, findings, what recording cost. */
#include <string.h>

#include "report.h"
#include "text.h"

char* report_place(char out[REPORT_PLACE], const report* r, summary_place p) {
  return summary_place_text(out, REPORT_PLACE, r->m, p, false);
}

void report_rest(const report* r, uint32_t shown, uint32_t all) {
  if (shown < all)
    term_print(
        &r->term,
        TERM_HEAD,
        "  … and %u more; --top %u shows all.\n",
        all - shown,
        all);
}

void report_header(const report* r) {
  const model* m = r->m;
  const model_info* info = &m->info;
  char a[TEXT_SIZE], b[TEXT_SIZE];
  const char* program = text_base(model_string(m, info->executable));
  const char* arguments = model_string(m, info->arguments);
  term_print(&r->term, TERM_TITLE, "%s", *program ? program : "a program");
  term_print(&r->term, TERM_HEAD, "  %s\n", r->path);
  if (*arguments) term_print(&r->term, TERM_PLAIN, "  %s\n", arguments);
  const char* runtime = model_string(m, info->runtime);
  term_print(
      &r->term,
      TERM_PLAIN,
      "  %s · pid %u · %s · %s events · ",
      *runtime ? runtime : "no runtime seen",
      info->pid,
      text_ns(a, info->duration_ns),
      text_count(b, info->events));
  const bool well =
      info->running || (info->finished && info->how < 3 &&
                        (!info->status || info->status == UINT32_MAX));
  term_print(&r->term, well ? TERM_GOOD : TERM_BAD, "%s\n", text_end(a, info));
  if (*model_string(m, info->damage))
    term_print(
        &r->term,
        TERM_BAD,
        "  The file is damaged; what stands before the damage is shown: %s\n",
        model_string(m, info->damage));
  if (*model_string(m, info->coverage))
    term_print(
        &r->term,
        TERM_HEAD,
        "  This runtime does not tell: %s\n",
        model_string(m, info->coverage));
  if (!m->n_stacks && m->n_nodes + m->n_evals)
    term_print(
        &r->term,
        TERM_HEAD,
        "  Call stacks were not recorded (--stacks=none): no source lines.\n");
}

void report_findings(const report* r) {
  uint32_t rules;
  rules_all(&rules);
  if (!rules) return;
  char line[80], text[TEXT_SIZE], place[REPORT_PLACE];
  snprintf(line, sizeof line, "%u", r->found->n);
  term_section(&r->term, "FINDINGS", r->found->n ? line : "none");
  for (uint32_t i = 0; i < r->found->n && i < r->top; i++) {
    const finding* f = &r->found->at[i];
    term_print(&r->term, TERM_BAD, "  %-4s", f->rule->id);
    term_print(&r->term, TERM_NAME, "%s", f->rule->title);
    term_print(&r->term, TERM_PLACE, "  %s", report_place(place, r, f->place));
    if (f->cost_ns)
      term_print(&r->term, TERM_PLAIN, "  about %s", text_ns(text, f->cost_ns));
    if (f->cost_bytes)
      term_print(&r->term, TERM_PLAIN, "  %s", text_bytes(text, f->cost_bytes));
    fputc('\n', r->term.out);
    term_paragraph(&r->term, TERM_PLAIN, 6, f->evidence);
    term_paragraph(&r->term, TERM_HEAD, 6, f->rule->why);
    term_paragraph(&r->term, TERM_GOOD, 6, f->rule->fix);
  }
  report_rest(r, r->found->n < r->top ? r->found->n : r->top, r->found->n);
}

void report_recording(const report* r) {
  const model* m = r->m;
  char line[200], a[TEXT_SIZE], b[TEXT_SIZE], c[TEXT_SIZE];
  uint64_t run = m->info.duration_ns;
  snprintf(
      line,
      sizeof line,
      "cost %s (%.1f %% of the run), %s of it for call stacks · file %s",
      text_ns(a, r->s->cost_ns),
      run ? 100.0 * (double)r->s->cost_ns / (double)run : 0,
      text_ns(b, r->s->cost_stack_ns),
      text_bytes(c, m->info.file_bytes));
  term_section(&r->term, "RECORDING", line);
  if (r->s->lost)
    term_print(
        &r->term,
        TERM_BAD,
        "  %s events could not be written: the disk, or the size that files "
        "may "
        "have, was full.\n",
        text_count(a, r->s->lost));
  for (uint32_t i = 0; i < m->n_gaps; i++)
    term_print(
        &r->term,
        TERM_BAD,
        "  Not recorded: %s to %s.\n",
        text_ns(a, m->gaps[i].begin_ns),
        text_ns(b, m->gaps[i].end_ns));
  for (uint32_t i = 0; i < m->n_notes; i++)
    term_print(
        &r->term, TERM_HEAD, "  %s\n", model_string(m, m->notes[i].text));
}
