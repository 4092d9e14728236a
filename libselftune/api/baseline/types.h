/** @file
 *  selftune: the values, memory and errors that selftune.h and hook.h share.
 *  Included by them; the rules of selftune.h hold. */
#ifndef SELFTUNE_TYPES_H_
#define SELFTUNE_TYPES_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(SELFTUNE_BUILDING) || defined(__GNUC__)
#define SELFTUNE_API __attribute__((visibility("default")))
#else
#define SELFTUNE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------ Values */

/** Why a call failed. Give back with selftune_error_free(). Immutable. */
typedef struct selftune_error selftune_error_t;

/** Borrowed bytes, normally UTF-8. */
typedef struct {
  const char* data;
  size_t size;
} selftune_str_t;

/** Owned bytes; data[size] is 0. Give back with selftune_buf_free(). */
typedef struct {
  char* data;
  size_t size;
} selftune_buf_t;
#define SELFTUNE_BUF_INIT {NULL, 0}

/** A NUL-terminated text as a borrowed string; NULL gives the empty one. */
static inline selftune_str_t selftune_str(const char* text) {
  selftune_str_t out;
  out.data = text;
  out.size = text != NULL ? strlen(text) : 0;
  return out;
}

/** The kind of a result. The error's name says more. */
typedef int32_t selftune_code_t;
#define SELFTUNE_OK 0
#define SELFTUNE_E_CANCELLED 1
#define SELFTUNE_E_UNKNOWN 2
#define SELFTUNE_E_INVALID_ARGUMENT 3
#define SELFTUNE_E_DEADLINE 4
#define SELFTUNE_E_NOT_FOUND 5
#define SELFTUNE_E_ALREADY_EXISTS 6
#define SELFTUNE_E_PERMISSION_DENIED 7
#define SELFTUNE_E_RESOURCE_EXHAUSTED 8
#define SELFTUNE_E_FAILED_PRECONDITION 9
#define SELFTUNE_E_ABORTED 10
#define SELFTUNE_E_OUT_OF_RANGE 11
#define SELFTUNE_E_UNIMPLEMENTED 12
#define SELFTUNE_E_INTERNAL 13
#define SELFTUNE_E_UNAVAILABLE 14
#define SELFTUNE_E_DATA_LOSS 15
#define SELFTUNE_E_UNAUTHENTICATED 16

/* ------------------------------------------------------------------ Memory */

/** Memory for a selftune_buf_t that a callback returns; NULL when there is
 *  none left. Give back with selftune_buf_free().
 *  @since 0.1 */
SELFTUNE_API void* selftune_alloc(size_t size);

/** Frees the bytes and empties the buffer; an empty one is fine.
 *  @since 0.1 */
SELFTUNE_API void selftune_buf_free(selftune_buf_t* buffer);

/* ------------------------------------------------------------------ Errors */

/** @return the kind; SELFTUNE_OK for NULL.
 *  @since 0.1 */
SELFTUNE_API selftune_code_t selftune_error_code(const selftune_error_t* error);

/** The stable name, "STORE_BUSY". Lives as long as the error; "" for NULL.
 *  @since 0.1 */
SELFTUNE_API const char* selftune_error_name(const selftune_error_t* error);

/** What was being done, on what, and what was found. Lives as long as the
 *  error; "" for NULL.
 *  @since 0.1 */
SELFTUNE_API const char* selftune_error_message(const selftune_error_t* error);

/** {"code","message","suggestion","next":{"command","argv"}|null,"retryable",
 *  "exit_code","details"}. Lives as long as the error; "{}" for NULL.
 *  @since 0.1 */
SELFTUNE_API const char* selftune_error_json(const selftune_error_t* error);

/** @since 0.1 */
SELFTUNE_API void selftune_error_free(selftune_error_t* error);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* SELFTUNE_TYPES_H_ */
