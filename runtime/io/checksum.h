/* Checksums of what files hold: 64 bits of XXH3. */
#ifndef IO_CHECKSUM_H
#define IO_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t checksum_of(const void* data, size_t n);

#endif
