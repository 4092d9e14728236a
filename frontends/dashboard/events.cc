#include "dashboard/events.h"

#include <charconv>
#include <utility>

#include "cli/json.h"

namespace selftune::dashboard {
namespace {

constexpr size_t kFramesAtOnce = 64;

}  // namespace

std::string ResetData(std::string_view reason, int64_t clock) {
  return cli::JsonObject().AddText("reason", reason).AddInt("clock", clock).Take();
}

std::string EventRing::Single(std::string_view event, std::string_view data_json,
                              uint64_t place) const {
  return "id: " + epoch_ + "-" + std::to_string(place) + "\nevent: " + std::string(event) +
         "\ndata: " + std::string(data_json) + "\n\n";
}

void EventRing::Add(std::string_view event, std::string_view data_json) {
  ++newest_;
  ring_.push_back(std::make_shared<const std::string>(Single(event, data_json, newest_)));
  if (ring_.size() > capacity_) ring_.pop_front();
}

EventRing::Resumption EventRing::Resume(std::string_view last_id) const {
  if (last_id.empty()) return {newest_, {}};
  const size_t dash = last_id.rfind('-');
  if (dash == std::string_view::npos || last_id.substr(0, dash) != epoch_) {
    return {newest_, "restarted"};
  }
  const std::string_view digits = last_id.substr(dash + 1);
  uint64_t place = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), place);
  const bool known = read.ec == std::errc() && read.ptr == digits.data() + digits.size() &&
                     place >= oldest() && place <= newest_;
  if (!known) return {newest_, "gone"};
  return {place, {}};
}

std::vector<http::Feed::Frame> EventRing::Take(uint64_t* cursor) {
  std::vector<Frame> out;
  if (*cursor < oldest()) {
    *cursor = newest_;
    out.push_back(
        std::make_shared<const std::string>(Single("reset", ResetData("gone", clock_), newest_)));
    return out;
  }
  while (*cursor < newest_ && out.size() < kFramesAtOnce) {
    out.push_back(ring_[static_cast<size_t>(*cursor - oldest())]);
    ++*cursor;
  }
  return out;
}

Coalescer::Decision Coalescer::OnChange(uint32_t topics, Clock::time_point now) {
  topics_ |= topics;
  if (waiting_) return {};
  if (!sent_.has_value() || now - *sent_ >= kInterval) return {Do::kSend, {}};
  waiting_ = true;
  const auto left = *sent_ + kInterval - now;
  return {Do::kWait, std::chrono::ceil<std::chrono::milliseconds>(left)};
}

Coalescer::Decision Coalescer::Due(Clock::time_point) {
  waiting_ = false;
  return {topics_ != 0 ? Do::kSend : Do::kNothing, {}};
}

uint32_t Coalescer::Take(Clock::time_point now) {
  sent_ = now;
  return std::exchange(topics_, 0);
}

}  // namespace selftune::dashboard
