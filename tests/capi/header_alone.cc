// The header is all a program needs to include; C++, beside a namespace of the
// same name.
#include <selftune/selftune.h>

namespace selftune {
inline int Answer() { return SELFTUNE_OK; }
}  // namespace selftune

int main() {
  const selftune_options_t options = SELFTUNE_OPTIONS_INIT;
  const selftune_callbacks_t callbacks = SELFTUNE_CALLBACKS_INIT;
  return options.struct_size == sizeof options && callbacks.event == nullptr ? selftune::Answer()
                                                                             : 1;
}
