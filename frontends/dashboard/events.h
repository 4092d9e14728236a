// What streams are told (dashboard B4): a ring of events, each with an id, and
// when a change is sent.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "dashboard/http/server.h"

namespace selftune::dashboard {

inline constexpr size_t kRememberedEvents = 1024;

// Events are numbered from 1; cursor 7 has seen the first seven. Ids are
// "<epoch>-<number>", the epoch is one of this process.
class EventRing : public http::Feed {
 public:
  explicit EventRing(std::string epoch, size_t capacity = kRememberedEvents)
      : epoch_(std::move(epoch)), capacity_(capacity) {}

  void Add(std::string_view event, std::string_view data_json);
  // An event for one stream, with the id of its place.
  [[nodiscard]] std::string Single(std::string_view event, std::string_view data_json,
                                   uint64_t place) const;

  struct Resumption {
    uint64_t cursor = 0;
    std::string_view missed;  // "" nothing, else why: gone, restarted
  };
  // Where a client goes on that has seen `last_id`; "" = a new one.
  [[nodiscard]] Resumption Resume(std::string_view last_id) const;

  // A stream that fell behind the ring is told to start over.
  [[nodiscard]] std::vector<Frame> Take(uint64_t* cursor) override;

  [[nodiscard]] uint64_t newest() const { return newest_; }
  // Of the resets that Take makes.
  void set_clock(int64_t clock) { clock_ = clock; }

 private:
  [[nodiscard]] uint64_t oldest() const { return newest_ - ring_.size(); }  // place before it

  const std::string epoch_;
  const size_t capacity_;
  std::deque<Frame> ring_;
  uint64_t newest_ = 0;
  int64_t clock_ = 0;
};

[[nodiscard]] std::string ResetData(std::string_view reason, int64_t clock);

// Sends the first change at once and at most one every kInterval behind it.
class Coalescer {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kInterval{250};

  enum class Do { kSend, kWait, kNothing };
  struct Decision {
    Do what = Do::kNothing;
    std::chrono::milliseconds wait{0};  // then call Due()
  };
  [[nodiscard]] Decision OnChange(uint32_t topics, Clock::time_point now);
  // The wait is over.
  [[nodiscard]] Decision Due(Clock::time_point now);
  // Topics to send; forgets them.
  [[nodiscard]] uint32_t Take(Clock::time_point now);

 private:
  uint32_t topics_ = 0;
  bool waiting_ = false;
  std::optional<Clock::time_point> sent_;
};

}  // namespace selftune::dashboard
