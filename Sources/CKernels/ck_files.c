#define _GNU_SOURCE
#include "ck_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int ck_share_blocks(int output, int input) { return ioctl(output, FICLONE, input); }

ssize_t ck_copy_range(int output, int input, size_t count) {
  return copy_file_range(input, NULL, output, NULL, count, 0);
}

void ck_start_writing(int file, off_t offset, size_t count) {
  sync_file_range(file, offset, (off_t)count, SYNC_FILE_RANGE_WRITE);
}

int ck_rename_new(const char *from, const char *to) {
  if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL && errno != ENOSYS) return -1;
  // A file system without the flag: look first, which leaves a moment between looking and renaming.
  if (access(to, F_OK) == 0) {
    errno = EEXIST;
    return -1;
  }
  return rename(from, to);
}
