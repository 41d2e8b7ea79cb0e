/* A trace's file descriptor in a program that does not know of it.
 *
 * The program may close any descriptor (daemons close them all) and get the
 * number back for a file of its own, or open the same path again. So each use
 * makes sure that the number still means our file; else the file is opened
 * again by its path, if it is still there.
 *
 * Nothing here goes through those functions of the C library at which a thread
 * may be cancelled: what the program called is none of them. */
#ifndef TRACE_FILE_H
#define TRACE_FILE_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

typedef struct trace_file {
  _Atomic int fd;
  dev_t device;
  ino_t inode;
  char path[PATH_MAX]; /* absolute */
} trace_file;

/* Creates the file anew; one that is there under this name is left to those who
 * have it open. The descriptor is a high number, so that the program's own
 * stay what they would be. False with errno where it fails. */
bool trace_file_open(trace_file* f, const char* path);

/* The descriptor, or -1 where the file cannot be reached any more. Safe in a
 * signal handler; may change errno. */
int trace_file_fd(trace_file* f);

/* Closes the descriptor if it is still ours. */
void trace_file_close(trace_file* f);

#endif
