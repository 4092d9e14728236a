#include "capi/handles.h"

#include <cstdlib>
#include <cstring>
#include <utility>

namespace selftune::capi {
namespace {

// An error with the texts it points to.
struct OwnedError : selftune_error {
  OwnedError(selftune_code_t kind, std::string_view name_of, std::string_view text,
             std::string object)
      : selftune_error{kind, nullptr, nullptr, nullptr},
        name_text(name_of),
        message_text(text),
        json_text(std::move(object)) {
    name = name_text.c_str();
    message = message_text.c_str();
    json = json_text.c_str();
  }

  std::string name_text;
  std::string message_text;
  std::string json_text;
};

// Never freed.
constinit selftune_error no_memory = {
    SELFTUNE_E_RESOURCE_EXHAUSTED, "OUT_OF_MEMORY", "out of memory",
    "{\"code\":\"OUT_OF_MEMORY\",\"message\":\"out of memory\","
    "\"suggestion\":\"close something and try again\",\"retryable\":true,\"exit_code\":1,"
    "\"details\":null,\"next\":{\"command\":\"selftune "
    "doctor\",\"argv\":[\"selftune\",\"doctor\"]}}"};

}  // namespace

selftune_error_t* NewError(selftune_code_t code, std::string_view name, std::string_view message,
                           std::string json) {
  return new OwnedError(code, name, message, std::move(json));
}

selftune_code_t ReportNoMemory(selftune_error_t** error) noexcept {
  if (error != nullptr) *error = &no_memory;
  return no_memory.code;
}

uint32_t SizeOf(const void* given) {
  uint32_t size = 0;
  std::memcpy(&size, given, sizeof size);
  return size;
}

StructFit FitOf(const void* given, size_t least, size_t known) {
  const size_t size = SizeOf(given);
  if (size < least || size % alignof(void*) != 0) return StructFit::kBadSize;
  const auto* bytes = static_cast<const unsigned char*>(given);
  for (size_t i = known; i < size; ++i) {
    if (bytes[i] != 0) return StructFit::kTooNew;
  }
  return StructFit::kGood;
}

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
  return error == nullptr ? "" : error->name;
}

const char* selftune_error_message(const selftune_error_t* error) {
  return error == nullptr ? "" : error->message;
}

const char* selftune_error_json(const selftune_error_t* error) {
  return error == nullptr ? "{}" : error->json;
}

void selftune_error_free(selftune_error_t* error) {
  using namespace selftune::capi;
  if (error != &no_memory) delete static_cast<OwnedError*>(error);
}

}  // extern "C"
