#include "capi/handles.h"

#include <cstdlib>
#include <cstring>
#include <string_view>

namespace selftune::capi {

bool FillBuffer(std::string_view text, selftune_buf_t* out) {
  char* data = static_cast<char*>(std::malloc(text.size() + 1));
  if (data == nullptr) return false;
  if (!text.empty()) std::memcpy(data, text.data(), text.size());
  data[text.size()] = '\0';
  *out = {data, text.size()};
  return true;
}

}  // namespace selftune::capi

extern "C" {

void* selftune_alloc(size_t size) { return std::malloc(size == 0 ? 1 : size); }

void selftune_buf_free(selftune_buf_t* buffer) {
  if (buffer == nullptr) return;
  std::free(buffer->data);
  *buffer = {nullptr, 0};
}

selftune_code_t selftune_error_code(const selftune_error_t* error) {
  return error == nullptr ? SELFTUNE_OK : error->code;
}

const char* selftune_error_name(const selftune_error_t* error) {
  return error == nullptr ? "" : error->name.c_str();
}

const char* selftune_error_message(const selftune_error_t* error) {
  return error == nullptr ? "" : error->message.c_str();
}

const char* selftune_error_json(const selftune_error_t* error) {
  return error == nullptr ? "{}" : error->json.c_str();
}

void selftune_error_free(selftune_error_t* error) { delete error; }

}  // extern "C"
