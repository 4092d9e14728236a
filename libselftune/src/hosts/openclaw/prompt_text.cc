#include "hosts/openclaw/prompt_text.h"

#include "base/strings.h"

namespace selftune::hosts::openclaw {
namespace {

// Versions that do not say who wrote a text have these.
bool IsHostText(std::string_view text) {
  const std::string_view line = text.substr(0, text.find('\n'));
  return line == "[OpenClaw heartbeat poll]" || text.starts_with("__openclaw_") ||
         (text.starts_with("Read HEARTBEAT.md") &&
          text.find("HEARTBEAT_OK") != std::string_view::npos);
}

// Lines "System: ..." before the text are news of the host.
std::string_view WithoutNews(std::string_view text) {
  constexpr std::string_view kNews = "System: ";
  bool any = false;
  while (text.starts_with(kNews)) {
    any = true;
    const size_t end = text.find('\n');
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  }
  return any ? base::Trim(text) : text;
}

// "[Telegram Ann id:7 2026-11-22 10:00 UTC] text" -> "text".
std::string_view WithoutEnvelope(std::string_view text, std::string_view channel) {
  if (channel.empty() || !text.starts_with('[')) return text;
  const std::string_view rest = text.substr(1);
  if (!base::StartsWithIgnoreCase(rest, channel)) return text;
  const size_t end = rest.find(']');
  const size_t line = rest.find('\n');
  if (rest.size() <= channel.size() || rest[channel.size()] != ' ' ||
      end == std::string_view::npos || end > line) {
    return text;
  }
  std::string_view inside = base::Trim(rest.substr(end + 1));
  constexpr std::string_view kId = "\n[message_id: ";
  const size_t id = inside.rfind(kId);
  if (id != std::string_view::npos && inside.ends_with(']') &&
      inside.find('\n', id + 1) == std::string_view::npos) {
    inside = base::Trim(inside.substr(0, id));
  }
  return inside;
}

}  // namespace

PromptText ReadPromptText(std::string_view stored, std::string_view provenance,
                          std::string_view channel) {
  if (!provenance.empty() && provenance != "external_user") {
    return {provenance == "inter_session" ? Author::kAgent : Author::kHost, std::string(stored)};
  }
  if (IsHostText(stored)) return {Author::kHost, std::string(stored)};
  const std::string_view text = WithoutEnvelope(WithoutNews(stored), channel);
  if (text.empty() && !stored.empty()) return {Author::kHost, std::string(stored)};
  return {Author::kPerson, std::string(text)};
}

}  // namespace selftune::hosts::openclaw
