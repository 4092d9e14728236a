/** @file
 *  The structs of the Arrow C data and C stream interfaces.
 *
 *  These declarations are a standard (https://arrow.apache.org/docs/format/CDataInterface.html):
 *  every library that speaks it declares the same, under the same guards, and
 *  hands tables to the others without copying them and without linking them. */
#ifndef SELFTUNE_ARROW_C_DATA_H_
#define SELFTUNE_ARROW_C_DATA_H_

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

/** The type of a column, or of a table (format "+s", one child a column). */
struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema** children;
  struct ArrowSchema* dictionary;
  void (*release)(struct ArrowSchema*); /**< NULL: released already */
  void* private_data;
};

/** The values of a column, or of a batch of rows. */
struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void** buffers;
  struct ArrowArray** children;
  struct ArrowArray* dictionary;
  void (*release)(struct ArrowArray*); /**< NULL: released already */
  void* private_data;
};

#endif /* ARROW_C_DATA_INTERFACE */

#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

/** Batches of one schema, one after the other. */
struct ArrowArrayStream {
  /** 0 or an errno value. */
  int (*get_schema)(struct ArrowArrayStream*, struct ArrowSchema* out);
  /** 0 or an errno value; at the end `out->release` is NULL. */
  int (*get_next)(struct ArrowArrayStream*, struct ArrowArray* out);
  /** Of the call before, when it failed; until the next call. */
  const char* (*get_last_error)(struct ArrowArrayStream*);
  void (*release)(struct ArrowArrayStream*); /**< NULL: released already */
  void* private_data;
};

#endif /* ARROW_C_STREAM_INTERFACE */

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* SELFTUNE_ARROW_C_DATA_H_ */
