#include "capi/call.h"

#include "capi/envelope.h"

namespace selftune::capi {

selftune_code_t Report(const Status& status, selftune_error_t** error) noexcept {
  const auto code = static_cast<selftune_code_t>(status.raw_code());
  if (error == nullptr) return code;
  try {
    *error = new selftune_error{code, std::string(CodeOf(status).name),
                                std::string(Message(status)), ErrorObjectWithNext(status)};
  } catch (...) {
    *error = nullptr;  // no memory for the words; the code still says what kind
  }
  return code;
}

Status CopyOut(std::string_view text, selftune_buf_t* out) {
  if (FillBuffer(text, out)) return absl::OkStatus();
  return Fail(kOutOfMemory, "a reply of {} bytes", text.size());
}

}  // namespace selftune::capi
