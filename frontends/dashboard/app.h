// The dashboard: from a request to its answer. Lives on the server's loop; only
// what asks the library runs on workers.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/json.h"
#include "dashboard/assets.h"
#include "dashboard/auth.h"
#include "dashboard/events.h"
#include "dashboard/http/server.h"
#include "dashboard/instance.h"
#include "dashboard/library.h"
#include "dashboard/reply_cache.h"
#include "dashboard/routes.h"
#include "dashboard/workers.h"

namespace selftune::dashboard {

struct AppOptions {
  InstanceFile self;  // port and instance included
  std::string web_dir;
  std::string state_dir;
  bool read_only = false;
  http::Limits limits;
  std::chrono::milliseconds idle_exit{0};  // 0 = never
};

class App {
 public:
  App(AppOptions options, Library& library, std::vector<int> sockets);
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  [[nodiscard]] const std::string& token() const { return auth_.token(); }
  // Before Run().
  [[nodiscard]] std::string MintCode() { return auth_.MintCode(Auth::Clock::now()); }
  // "" or the error object of the library.
  [[nodiscard]] std::string Run();

 private:
  using Respond = http::Server::Respond;

  // An operation that is asked, and who waits for its answer.
  struct Asked {
    std::atomic<bool> begun = false;
    std::vector<Respond> waiting;  // on the loop
  };
  struct StoreState {
    bool available = false;
    std::string path;
    std::string commit;  // of the library
  };

  void Handle(const http::Request& request, const Respond& respond);
  void HandleApi(const http::Request& request, const std::vector<std::string>& segments,
                 const Respond& respond);
  void HandleOwn(const Route& route, const http::Request& request, bool signed_in,
                 const std::vector<http::Header>& query, const Respond& respond);
  // `key` is the request as the cache knows it. Equal requests share an answer.
  void AskLibrary(const Route& route, const std::string& key, const std::string& params,
                  const std::string& etag, const Respond& respond);
  void Answer(const std::shared_ptr<Asked>& asked, const std::string& name, const std::string& key,
              const std::string& etag, http::Response response);
  [[nodiscard]] Respond Proving(const Respond& respond, const std::string& nonce) const;
  [[nodiscard]] http::Response Asset(const http::Request& request,
                                     const std::vector<std::string>& segments) const;
  [[nodiscard]] http::Response SignIn(const http::Request& request);
  [[nodiscard]] http::Response Instance() const;
  [[nodiscard]] http::Response Code();
  [[nodiscard]] http::Response BeginStream(const http::Request& request,
                                           const std::vector<http::Header>& query);
  // Never waits behind other requests: it tells the last known state of the store.
  void Health(bool signed_in, const Respond& respond);
  void TellHealth(const Respond& respond) const;
  [[nodiscard]] cli::JsonObject Introduction() const;
  [[nodiscard]] std::string RunFolder() const { return options_.state_dir + "/run"; }
  void LookAtStore();

  void OnChange(int64_t clock, uint32_t topics);
  void Follow(const Coalescer::Decision& decision);
  void SendChange();
  void Heartbeat();
  void WatchIdleness();
  void End(std::string_view reason);
  [[nodiscard]] std::string Etag() const;
  [[nodiscard]] std::string Build() const;

  const AppOptions options_;
  Library& library_;
  Auth auth_;
  Assets assets_;
  EventRing events_;
  Coalescer coalescer_;
  ReplyCache replies_;
  std::map<std::string, std::shared_ptr<Asked>> asked_;
  std::optional<StoreState> store_;  // as of the last look
  bool looking_ = false;
  std::chrono::steady_clock::time_point looked_at_;
  std::vector<Respond> first_healths_;  // until the first look is done
  int64_t clock_ = 0;                   // of the store
  uint64_t changes_ = 0;                // seen by this process
  bool ending_ = false;
  uint64_t busy_requests_ = 0;  // as of the last look at idleness
  std::chrono::steady_clock::time_point busy_at_ = std::chrono::steady_clock::now();
  http::Server server_;
  // Last: their threads end before what they use.
  std::unique_ptr<Workers> workers_;
};

}  // namespace selftune::dashboard
