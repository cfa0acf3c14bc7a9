// The files of the trained organism, embedded at compile time.
#ifndef CORGANISM_H
#define CORGANISM_H
#include <stddef.h>

/// One embedded file: name (zero-terminated), first byte, length in bytes.
struct organism_file {
  const char *_Nonnull name;
  const unsigned char *_Nonnull bytes;
  ptrdiff_t length;
};

/// Number of embedded files.
ptrdiff_t organism_file_count(void);

/// The file at an index in 0 ..< organism_file_count().
struct organism_file organism_file(ptrdiff_t index);

#endif
