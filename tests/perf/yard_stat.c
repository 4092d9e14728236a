/* Walks trees and stats each file: what any look for changes has to pay.
 *
 *   yard_stat DIR...   prints files and bytes */
#define _XOPEN_SOURCE 700
#include <ftw.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

static uint64_t files, bytes;

static int Visit(const char* path, const struct stat* st, int kind, struct FTW* at) {
  (void)path;
  (void)at;
  if (kind == FTW_F) {
    ++files;
    bytes += (uint64_t)st->st_size;
  }
  return 0;
}

int main(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (nftw(argv[i], Visit, 64, FTW_PHYS) != 0) {
      perror(argv[i]);
      return 1;
    }
  }
  printf("%" PRIu64 " files %" PRIu64 " bytes\n", files, bytes);
  return 0;
}
