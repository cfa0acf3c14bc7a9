// Calls of Linux that Swift's view of the C library lacks.
#ifndef CK_FILES_H
#define CK_FILES_H
#include <stddef.h>
#include <sys/types.h>

/// Makes the new file `output` share all blocks of `input`; 0, or -1 where the file system cannot.
int ck_share_blocks(int output, int input);

/// Copies up to `count` bytes between files inside the system, at their current places; the number, 0 at the end, -1.
ssize_t ck_copy_range(int output, int input, size_t count);

/// Asks the system to begin writing `count` bytes from `offset` on to the disk; a hint, so that a later fsync finds less
/// to do.
void ck_start_writing(int file, off_t offset, size_t count);

/// Renames, and fails with EEXIST where something is at `to` already.
int ck_rename_new(const char *from, const char *to);

#endif
