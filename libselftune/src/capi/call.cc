#include "capi/call.h"

#include <cstdint>
#include <cstring>
#include <string>

#include "base/thrown.h"
#include "capi/envelope.h"

namespace selftune::capi {

selftune_code_t Report(const Status& status, selftune_error_t** error) noexcept {
  const auto code = static_cast<selftune_code_t>(status.raw_code());
  if (error == nullptr) return code;
  try {
    *error = NewError(code, CodeOf(status).name, Message(status), ErrorObjectWithNext(status));
  } catch (...) {
    return ReportNoMemory(error);
  }
  return code;
}

selftune_code_t ReportThrown(selftune_error_t** error) noexcept {
  return Report(base::Thrown(), error);
}

Status CheckStruct(const void* given, size_t least, size_t known, std::string_view what) {
  switch (FitOf(given, least, known)) {
    case StructFit::kGood:
      return absl::OkStatus();
    case StructFit::kBadSize:
      return Fail(kInvalidRequest, "{}: struct_size is {}; start from its _INIT value", what,
                  SizeOf(given));
    case StructFit::kTooNew:
      break;
  }
  return Fail(kInvalidRequest, "{}: a byte behind the {} that version {} knows is set", what, known,
              selftune_version());
}

Status CopyOut(std::string_view text, selftune_buf_t* out) {
  if (FillBuffer(text, out)) return absl::OkStatus();
  return Fail(kOutOfMemory, "a reply of {} bytes", text.size());
}

}  // namespace selftune::capi
