#include "base/error.h"

#include <string>
#include <string_view>

#include <absl/strings/cord.h>

namespace selftune {
namespace {

constexpr char kCodeUrl[] = "selftune/code";
constexpr char kSuggestionUrl[] = "selftune/suggestion";
constexpr char kNextUrl[] = "selftune/next";
constexpr char kDetailsUrl[] = "selftune/details";

std::string Payload(const Status& status, const char* url) {
  const auto cord = status.GetPayload(url);
  return cord.has_value() ? std::string(*cord) : std::string();
}

void SetPayload(Status& status, const char* url, std::string_view text) {
  // Not Cord(std::string): clang 19 and gcc 12 mangle that template differently.
  if (!text.empty()) {
    status.SetPayload(url, absl::Cord(absl::string_view(text.data(), text.size())));
  }
}

// The same in memory of its own. Abseil copies a shared status when it is changed, and
// loses that copy when memory ends before its second payload is in place.
Status Own(const Status& status) {
  Status own(status.code(), status.message());
  status.ForEachPayload(
      [&own](absl::string_view url, const absl::Cord& payload) { own.SetPayload(url, payload); });
  return own;
}

// Made by base::OutOfMemory(): every other failure of ours has a message.
bool IsOutOfMemory(const Status& status) {
  return status.code() == absl::StatusCode::kResourceExhausted && status.message().empty();
}

// Messages say back what was given: a name, a path, a query. Nobody reads more of one than
// this many bytes, and what a message is about stands at its two ends.
constexpr size_t kMaxMessage = 1000;
constexpr size_t kKeptHead = 600;
constexpr size_t kKeptTail = 300;

bool IsInsideCodePoint(const std::string& text, size_t at) {
  return (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80;
}

std::string Bounded(const std::string& message) {
  if (message.size() <= kMaxMessage) return message;
  size_t head = kKeptHead;
  size_t tail = message.size() - kKeptTail;
  while (head > 0 && IsInsideCodePoint(message, head)) --head;
  while (tail < message.size() && IsInsideCodePoint(message, tail)) ++tail;
  return message.substr(0, head) + " ... " + message.substr(tail);
}

}  // namespace

Status MakeError(const ErrorCode& code, const std::string& message) {
  Status status(code.kind, Bounded(message));
  SetPayload(status, kCodeUrl, code.name);
  return status;
}

Status WithSuggestion(Status status, std::string_view suggestion, std::string_view next_command) {
  status = Own(status);
  SetPayload(status, kSuggestionUrl, suggestion);
  SetPayload(status, kNextUrl, next_command);
  return status;
}

Status WithDetails(Status status, std::string_view details_json) {
  status = Own(status);
  SetPayload(status, kDetailsUrl, details_json);
  return status;
}

const ErrorCode& CodeOf(const Status& status) {
  if (IsOutOfMemory(status)) return kOutOfMemory;
  static constexpr ErrorCode kUnknown = kInternal;
  const std::string name = Payload(status, kCodeUrl);
  for (const ErrorCode& code : kErrorCodes) {
    if (code.name == name) return code;
  }
  return kUnknown;
}

std::string_view Message(const Status& status) {
  if (IsOutOfMemory(status)) return "out of memory";
  const auto message = status.message();
  return {message.data(), message.size()};
}

std::string Suggestion(const Status& status) { return Payload(status, kSuggestionUrl); }
std::string NextCommand(const Status& status) { return Payload(status, kNextUrl); }
std::string DetailsJson(const Status& status) { return Payload(status, kDetailsUrl); }

}  // namespace selftune
