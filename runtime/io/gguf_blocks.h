/* Blocks of quantized weights as GGUF files have them.
 * https://github.com/ggml-org/llama.cpp/wiki/Tensor-Encoding-Schemes */
#ifndef IO_GGUF_BLOCKS_H
#define IO_GGUF_BLOCKS_H

#include <stdint.h>

/* The weights of one block, 32 or 256 as gguf_types.def says. */
typedef void (*gguf_decoder)(const unsigned char* block, float* to);

#define GGUF_DECODED(number, name, weights, bytes, loaded, decoder) \
  void gguf_blocks_##decoder(const unsigned char* block, float* to);
#include "io/gguf_types.def"

/* The 32 weights of a block that stays quantized, in the order that quantized
 * products read; `from` is behind the block's numbers. */
typedef void (*gguf_packer)(const unsigned char* from, unsigned char* words);

void gguf_blocks_pack_4(const unsigned char* from, unsigned char* words);
void gguf_blocks_pack_8(const unsigned char* from, unsigned char* words);

#endif
