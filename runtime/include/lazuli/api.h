/* Marks what the shared library exports. */
#ifndef LAZULI_API_H
#define LAZULI_API_H

#if defined(__GNUC__)
#define LAZULI_API __attribute__((visibility("default")))
#define LAZULI_UNUSED __attribute__((unused))
#else
#define LAZULI_API
#define LAZULI_UNUSED
#endif

#endif
