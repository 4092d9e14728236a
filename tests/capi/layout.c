/* Transparent structs are part of the ABI: their layout does not move. */
#include <selftune/selftune.h>
#include <stddef.h>

#define FIXED(what, bytes) _Static_assert((what) == (bytes), #what)

#if UINTPTR_MAX == 0xffffffffffffffffu
FIXED(sizeof(selftune_str_t), 16);
FIXED(offsetof(selftune_str_t, size), 8);
FIXED(sizeof(selftune_buf_t), 16);
FIXED(offsetof(selftune_buf_t, size), 8);
FIXED(offsetof(selftune_options_t, struct_size), 0);
FIXED(offsetof(selftune_options_t, flags), 4);
FIXED(offsetof(selftune_options_t, home), 8);
FIXED(offsetof(selftune_options_t, config_dir), 24);
FIXED(offsetof(selftune_options_t, db_path), 40);
FIXED(offsetof(selftune_options_t, env), 56);
FIXED(offsetof(selftune_options_t, log), 64);
FIXED(offsetof(selftune_options_t, now_ms), 72);
FIXED(offsetof(selftune_options_t, user), 80);
FIXED(sizeof(selftune_options_t), 88);
FIXED(offsetof(selftune_callbacks_t, event), 8);
FIXED(offsetof(selftune_callbacks_t, user), 16);
FIXED(sizeof(selftune_callbacks_t), 24);
#endif
FIXED(sizeof(selftune_code_t), 4);

int main(void) { return 0; }
