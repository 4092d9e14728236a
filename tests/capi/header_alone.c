/* The header is all a program needs to include; C11. */
#include <selftune/selftune.h>

static const selftune_options_t kOptions = SELFTUNE_OPTIONS_INIT;
static const selftune_callbacks_t kCallbacks = SELFTUNE_CALLBACKS_INIT;
static const selftune_buf_t kBuffer = SELFTUNE_BUF_INIT;

int main(void) {
  return kOptions.struct_size == sizeof kOptions && kCallbacks.struct_size == sizeof kCallbacks &&
                 kBuffer.data == NULL && selftune_str("four").size == 4 &&
                 selftune_str(NULL).size == 0
             ? 0
             : 1;
}
