/** @file
 *  selftune: the C interface of libselftune.
 *
 *  One engine per state folder, JSON requests in, JSON envelopes out:
 *
 *      selftune_options_t options = SELFTUNE_OPTIONS_INIT;
 *      selftune_engine_t *engine = NULL;
 *      selftune_error_t *error = NULL;
 *      if (selftune_open(&options, &engine, &error) == SELFTUNE_OK) {
 *        selftune_buf_t reply = SELFTUNE_BUF_INIT;
 *        const selftune_str_t request = selftune_str("{\"op\":\"about.version\"}");
 *        if (selftune_request(engine, request, &reply, &error) == SELFTUNE_OK) puts(reply.data);
 *        selftune_buf_free(&reply);
 *        selftune_close(engine);
 *      }
 *      selftune_error_free(error);
 *
 *  Rules that hold for every function:
 *   - A selftune_str_t is borrowed for the call; it need not end in NUL.
 *   - An out parameter transfers ownership; each type has one way to give it
 *     back, named at the type. Memory never crosses by malloc() and free().
 *   - An error pointer may be NULL. It is set to NULL first, and to an object
 *     of the caller's only when the function fails.
 *   - NULL is accepted by every _free, _close, _release and _cancel function.
 *   - The library throws nothing, prints nothing, installs no signal handler
 *     and never ends the process.
 *   - Any thread may call anything, unless a comment says otherwise.
 *   - An engine does not survive fork(): in the child every call on it fails
 *     with FORKED, and giving it or a part of it back does nothing. A child
 *     that was forked while an engine was open cannot open one either.
 *   - A struct with struct_size may be that of an older header; one of a newer
 *     header must be 0 in what this library does not know.
 *
 *  Plain C11; also C++11 and newer. */
#ifndef SELFTUNE_SELFTUNE_H_
#define SELFTUNE_SELFTUNE_H_

#include <stddef.h>
#include <stdint.h>

#include "arrow_c_data.h"
#include "hook.h"
#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ----------------------------------------------------------------- Handles */

/** An open store with its configuration. Share it between threads. */
typedef struct selftune_engine selftune_engine_t;
/** One running operation. Give back with selftune_job_release(). */
typedef struct selftune_job selftune_job_t;
/** One subscription. Give back with selftune_unsubscribe(). */
typedef struct selftune_sub selftune_sub_t;

/* ---------------------------------------------------------------- Versions */

#define SELFTUNE_VERSION_MAJOR 0
#define SELFTUNE_VERSION_MINOR 1
#define SELFTUNE_VERSION_PATCH 0

/** Interface version of the library that runs, 0x00MMmmpp. Compare with
 *  SELFTUNE_VERSION_*, which are those of the header.
 *  @since 0.1 */
SELFTUNE_API uint32_t selftune_abi_version(void);

/** Version of the library as text, "0.1.0". Static.
 *  @since 0.1 */
SELFTUNE_API const char* selftune_version(void);

/** Whether the library was built with a feature.
 *  @param feature  "llm-handler", "subscribe", "jobs", "http", "arrow" ...;
 *                  an unknown name is a feature it does not have.
 *  @return 1 or 0.
 *  @since 0.1 */
SELFTUNE_API int32_t selftune_has(const char* feature);

/* ------------------------------------------------------------------ Engine */

/** Nothing is written, neither store nor files. */
#define SELFTUNE_READ_ONLY 0x1u
/** A missing store is an error instead of a new one. */
#define SELFTUNE_NO_CREATE 0x2u
/** An older store is an error instead of a migration. */
#define SELFTUNE_NO_MIGRATE 0x4u
/** Operations that would use the network fail. */
#define SELFTUNE_NO_NETWORK 0x8u
/** The process is the caller's own and nobody else in it uses SQLite, which
 *  then keeps no statistics of its memory: each allocation takes a lock less.
 *  Without effect when SQLite was used before. */
#define SELFTUNE_OWN_PROCESS 0x10u

/** Levels of the log callback. */
#define SELFTUNE_LOG_ERROR 1
#define SELFTUNE_LOG_WARNING 2
#define SELFTUNE_LOG_INFO 3
#define SELFTUNE_LOG_DEBUG 4

/** How an engine sees the world. Start from SELFTUNE_OPTIONS_INIT; everything
 *  is copied by selftune_open(). */
typedef struct {
  uint32_t struct_size;
  uint32_t flags;            /**< SELFTUNE_READ_ONLY ...                      */
  selftune_str_t home;       /**< the person's home; empty: $HOME             */
  selftune_str_t config_dir; /**< our state; empty: $SELFTUNE_HOME or <home>/.selftune */
  selftune_str_t db_path;    /**< the store; empty: <config_dir>/selftune.db  */
  /** "K=V" entries, ended by NULL, that replace variables of the process
   *  environment for this engine; may be NULL. */
  const char* const* env;
  /** One JSON object a call. From any library thread; may overlap. NULL: no log. */
  void (*log)(void* user, int32_t level, selftune_str_t json_line);
  /** Milliseconds since 1970 UTC. Any thread. NULL: the system's clock. */
  int64_t (*now_ms)(void* user);
  void* user; /**< for log and now_ms */
} selftune_options_t;
#define SELFTUNE_OPTIONS_INIT \
  {sizeof(selftune_options_t), 0, {NULL, 0}, {NULL, 0}, {NULL, 0}, NULL, NULL, NULL, NULL}

/** Opens an engine. Cheap: the store is opened by the first request that needs
 *  it.
 *  @param      options  NULL: all defaults.
 *  @param[out] engine   Close with selftune_close(). Untouched on failure.
 *  @since 0.1 */
SELFTUNE_API selftune_code_t selftune_open(const selftune_options_t* options,
                                           selftune_engine_t** engine, selftune_error_t** error);

/** Closes an engine after its last job and subscription have ended: waits for
 *  jobs that run, without cancelling them. No other call may overlap or
 *  follow, jobs and subscriptions must have been given back, and it must not
 *  be called from a callback of this engine.
 *  @since 0.1 */
SELFTUNE_API void selftune_close(selftune_engine_t* engine);

/* ---------------------------------------------------------------- Requests */

/** Runs one request and returns its JSON envelope.
 *
 *  A completed operation whose answer is negative (a regression was found)
 *  is SELFTUNE_OK with "ok":false, the data and "error" in the envelope.
 *
 *  @param      engine   Any thread; calls may overlap.
 *  @param      request  {"op":"skill.parse","params":{...},
 *                       "client"?:{"name","version"},"deadline_ms"?:5000};
 *                       selftune request docs list every op.
 *  @param[out] reply    Free with selftune_buf_free(). Untouched on failure.
 *  @return SELFTUNE_OK or the kind of failure.
 *  @since 0.1 */
SELFTUNE_API selftune_code_t selftune_request(selftune_engine_t* engine, selftune_str_t request,
                                              selftune_buf_t* reply, selftune_error_t** error);

/** Listener of a job. Start from SELFTUNE_CALLBACKS_INIT. */
typedef struct {
  uint32_t struct_size;
  /** One JSON object: {"event":"progress","stage","done","total","message"}.
   *  From a library thread, one call at a time a job. Return quickly. May call
   *  selftune_request() and selftune_job_cancel(); must not wait for or
   *  release this job, nor close the engine. */
  void (*event)(void* user, selftune_str_t json);
  void* user;
} selftune_callbacks_t;
#define SELFTUNE_CALLBACKS_INIT {sizeof(selftune_callbacks_t), NULL, NULL}

/** Starts a request on a thread of the library. A request that is not well
 *  formed fails here; one that fails later does so in selftune_job_wait().
 *  @param      callbacks  NULL: nobody listens. Copied; `user` must live until
 *                         selftune_job_release() returns.
 *  @param[out] job        Give back with selftune_job_release().
 *  @since 0.1 */
SELFTUNE_API selftune_code_t selftune_start(selftune_engine_t* engine, selftune_str_t request,
                                            const selftune_callbacks_t* callbacks,
                                            selftune_job_t** job, selftune_error_t** error);

/** Waits for a job and hands out its envelope, as often as asked.
 *  @param timeout_ms  Below 0: for ever. 0: only look.
 *  @return SELFTUNE_E_DEADLINE (error JOB_RUNNING) when it still runs;
 *          SELFTUNE_E_CANCELLED when it was cancelled; else as
 *          selftune_request() would have.
 *  @since 0.1 */
SELFTUNE_API selftune_code_t selftune_job_wait(selftune_job_t* job, int64_t timeout_ms,
                                               selftune_buf_t* reply, selftune_error_t** error);

/** Asks a job to stop at the next safe point. Returns at once.
 *  @since 0.1 */
SELFTUNE_API void selftune_job_cancel(selftune_job_t* job);

/** Gives the handle back. A running job goes on unheard; no callback of it
 *  happens after this returns.
 *  @since 0.1 */
SELFTUNE_API void selftune_job_release(selftune_job_t* job);

/* ------------------------------------------------------------------ Tables */

/** Reads a table as an Arrow stream, which pyarrow, pandas, polars, duckdb and
 *  others take over without a copy. Read-only, whatever the engine may do.
 *
 *  @param      engine   Any thread; calls may overlap.
 *  @param      dataset_request  One of
 *      {"dataset":"misses", "where"?:{"skill_name":"pdf","cause":["description",...]},
 *       "columns"?:["occurred_at",...], "since"?:"7d", "until"?:"2026-01-31T08:00:00Z",
 *       "order"?:["-occurred_at"], "limit"?:100}
 *      {"sql":"SELECT ...", "args"?:[1,"a",null]}
 *    with "types"?:{"column":"int64|float64|bool|utf8|time|dictionary"},
 *    "deadline_ms"?, which binds the stream to its end, not only this call, and
 *    "whole"?:true, with which this call reads all rows: they decide the types
 *    of columns that have none. Without it the first batch does, and a later
 *    value that does not fit is an error.
 *    docs/sql-views.md lists datasets and columns; SQL is one SELECT on the
 *    public views, anything else is QUERY_REFUSED.
 *  @param[out] out  Schema and batches of up to 65,536 rows; the first is read
 *    by this call, the others by get_next, all of one snapshot of the store.
 *    Give back with out->release(out). Untouched on failure.
 *
 *  The stream owns what it reads from: it may outlive the engine, and each
 *  array may outlive the stream. One thread at a time may use the stream (any
 *  thread, not always the same); arrays are independent of each other.
 *  Releasing twice through the same struct is harmless. Until its last row is
 *  read or it is released, the stream keeps the store's log from shrinking.
 *  get_next fails with ETIMEDOUT after the deadline, EINVAL for a value that
 *  does not fit its column and in a forked child; get_last_error says more.
 *  @since 0.1 */
SELFTUNE_API selftune_code_t selftune_export_arrow(selftune_engine_t* engine,
                                                   selftune_str_t dataset_request,
                                                   struct ArrowArrayStream* out,
                                                   selftune_error_t** error);

/** The same, until somebody wants it no more.
 *  @param stop  Asked now and then (every few thousand steps of the database)
 *               by this call, in its thread: other than 0 ends it with
 *               SELFTUNE_E_CANCELLED. get_next does not ask; with "whole" this
 *               call reads everything. Must not call back into the engine.
 *               NULL: as selftune_export_arrow().
 *  @since 0.1 */
SELFTUNE_API selftune_code_t selftune_export_arrow_until(selftune_engine_t* engine,
                                                         selftune_str_t dataset_request,
                                                         int32_t (*stop)(void* user), void* user,
                                                         struct ArrowArrayStream* out,
                                                         selftune_error_t** error);

/* ----------------------------------------------------------- Notifications */

/** What a change touched. */
#define SELFTUNE_TOPIC_EVIDENCE 0x1u
#define SELFTUNE_TOPIC_GRADING 0x2u
#define SELFTUNE_TOPIC_EVOLUTION 0x4u
#define SELFTUNE_TOPIC_JOBS 0x8u
#define SELFTUNE_TOPIC_UPLOAD 0x10u
#define SELFTUNE_TOPIC_SETTINGS 0x20u
#define SELFTUNE_TOPIC_ALL 0xffffffffu

/** Calls back when the store has changed, whichever process wrote it; changes
 *  close together may come as one.
 *  @param topics   SELFTUNE_TOPIC_...; others do not call back.
 *  @param changed  `clock` counts the commits to the store; `topics` are those
 *                  that changed, all of them when several commits came as one.
 *                  From a library thread, one call at a time a subscription.
 *                  May call selftune_request(); must not unsubscribe or close.
 *  @param[out] sub Give back with selftune_unsubscribe().
 *  @since 0.1 */
SELFTUNE_API selftune_code_t selftune_subscribe(selftune_engine_t* engine, uint32_t topics,
                                                void (*changed)(void* user, int64_t clock,
                                                                uint32_t topics),
                                                void* user, selftune_sub_t** sub,
                                                selftune_error_t** error);

/** Ends a subscription; returns after its last callback.
 *  @since 0.1 */
SELFTUNE_API void selftune_unsubscribe(selftune_sub_t* sub);

/* ------------------------------------------------------------- Model calls */

/** Answers a model call of the library. In: {"purpose","tier","system","user",
 *  "model","effort","json_schema","timeout_ms"}; model, effort and json_schema
 *  may be "". Out: {"text"} and, where known, "model" and "usage" with
 *  {"input_tokens","output_tokens","cost_usd"}. Fills `reply_json` with memory
 *  of selftune_alloc(); the library frees it, on failure too.
 *  @return SELFTUNE_OK; any other value fails the call it was asked for.
 *  @since 0.1 */
typedef selftune_code_t (*selftune_llm_fn)(void* user, selftune_str_t request_json,
                                           selftune_buf_t* reply_json);

/** Lets the embedding program answer model calls instead of an agent CLI.
 *  @param handler  From any library thread, calls may overlap. NULL: agents
 *                  again. Requests that run keep the one they began with.
 *  @since 0.1 */
SELFTUNE_API void selftune_set_llm_handler(selftune_engine_t* engine, selftune_llm_fn handler,
                                           void* user);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* SELFTUNE_SELFTUNE_H_ */
