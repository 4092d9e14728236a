// The library as this server uses it: one engine, requests from several
// threads, a subscription.
#pragma once

#include <selftune/selftune.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

namespace selftune::dashboard {

// What came back: an envelope, or the kind and object of an error.
struct LibraryReply {
  int32_t kind = 0;  // SELFTUNE_OK or SELFTUNE_E_...
  std::string json;
};

class Library {
 public:
  struct Options {
    std::string home;  // state folder, "" = the default
    std::string db;    // the store, "" = the default
    bool read_only = false;
  };
  // nullptr with *error, the error object of the library.
  [[nodiscard]] static std::unique_ptr<Library> Open(const Options& options, std::string* error);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  // Any thread.
  [[nodiscard]] LibraryReply Ask(std::string_view op, std::string_view params_json) const;
  // What runs, now or later, fails as cancelled, soon; what is done before that
  // is answered.
  void CancelAll();

  // `changed` is called from a thread of the library until Unsubscribe().
  using Changed = std::function<void(int64_t clock, uint32_t topics)>;
  // "" or the error object.
  [[nodiscard]] std::string Subscribe(Changed changed);
  void Unsubscribe();

  [[nodiscard]] static std::string_view version() { return selftune_version(); }

 private:
  explicit Library(selftune_engine_t* engine) : engine_(engine) {}
  void Hold(selftune_job_t* job) const;
  void LetGo(selftune_job_t* job) const;

  selftune_engine_t* const engine_;
  mutable std::mutex mutex_;
  mutable std::set<selftune_job_t*> jobs_;  // that run
  bool cancelled_ = false;
  selftune_sub_t* subscription_ = nullptr;
  Changed changed_;
};

}  // namespace selftune::dashboard
