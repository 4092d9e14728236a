/* Transparent structs are part of the ABI: their layout does not move.
 * Written by tools/gen_layout.py. */
#include <stddef.h>
#include <stdint.h>

#include <selftune/arrow_c_data.h>
#include <selftune/hook.h>
#include <selftune/selftune.h>
#include <selftune/types.h>

#define FIXED(what, bytes) _Static_assert((what) == (bytes), #what)

#if UINTPTR_MAX == 0xffffffffffffffffu
FIXED(sizeof(struct ArrowSchema), 72);
FIXED(offsetof(struct ArrowSchema, format), 0);
FIXED(offsetof(struct ArrowSchema, name), 8);
FIXED(offsetof(struct ArrowSchema, metadata), 16);
FIXED(offsetof(struct ArrowSchema, flags), 24);
FIXED(offsetof(struct ArrowSchema, n_children), 32);
FIXED(offsetof(struct ArrowSchema, children), 40);
FIXED(offsetof(struct ArrowSchema, dictionary), 48);
FIXED(offsetof(struct ArrowSchema, release), 56);
FIXED(offsetof(struct ArrowSchema, private_data), 64);
FIXED(sizeof(struct ArrowArray), 80);
FIXED(offsetof(struct ArrowArray, length), 0);
FIXED(offsetof(struct ArrowArray, null_count), 8);
FIXED(offsetof(struct ArrowArray, offset), 16);
FIXED(offsetof(struct ArrowArray, n_buffers), 24);
FIXED(offsetof(struct ArrowArray, n_children), 32);
FIXED(offsetof(struct ArrowArray, buffers), 40);
FIXED(offsetof(struct ArrowArray, children), 48);
FIXED(offsetof(struct ArrowArray, dictionary), 56);
FIXED(offsetof(struct ArrowArray, release), 64);
FIXED(offsetof(struct ArrowArray, private_data), 72);
FIXED(sizeof(struct ArrowArrayStream), 40);
FIXED(offsetof(struct ArrowArrayStream, get_schema), 0);
FIXED(offsetof(struct ArrowArrayStream, get_next), 8);
FIXED(offsetof(struct ArrowArrayStream, get_last_error), 16);
FIXED(offsetof(struct ArrowArrayStream, release), 24);
FIXED(offsetof(struct ArrowArrayStream, private_data), 32);
FIXED(sizeof(selftune_str_t), 16);
FIXED(offsetof(selftune_str_t, data), 0);
FIXED(offsetof(selftune_str_t, size), 8);
FIXED(sizeof(selftune_buf_t), 16);
FIXED(offsetof(selftune_buf_t, data), 0);
FIXED(offsetof(selftune_buf_t, size), 8);
FIXED(sizeof(selftune_hook_options_t), 32);
FIXED(offsetof(selftune_hook_options_t, struct_size), 0);
FIXED(offsetof(selftune_hook_options_t, flags), 4);
FIXED(offsetof(selftune_hook_options_t, env), 8);
FIXED(offsetof(selftune_hook_options_t, now_ms), 16);
FIXED(offsetof(selftune_hook_options_t, user), 24);
FIXED(sizeof(selftune_options_t), 88);
FIXED(offsetof(selftune_options_t, struct_size), 0);
FIXED(offsetof(selftune_options_t, flags), 4);
FIXED(offsetof(selftune_options_t, home), 8);
FIXED(offsetof(selftune_options_t, config_dir), 24);
FIXED(offsetof(selftune_options_t, db_path), 40);
FIXED(offsetof(selftune_options_t, env), 56);
FIXED(offsetof(selftune_options_t, log), 64);
FIXED(offsetof(selftune_options_t, now_ms), 72);
FIXED(offsetof(selftune_options_t, user), 80);
FIXED(sizeof(selftune_callbacks_t), 24);
FIXED(offsetof(selftune_callbacks_t, struct_size), 0);
FIXED(offsetof(selftune_callbacks_t, event), 8);
FIXED(offsetof(selftune_callbacks_t, user), 16);
#endif
FIXED(sizeof(selftune_code_t), 4);

int main(void) { return 0; }
