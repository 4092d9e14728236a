#include "dashboard/app.h"

#include <selftune/selftune.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "cli/json.h"
#include "dashboard/guard.h"
#include "dashboard/proof.h"
#include "dashboard/replies.h"

namespace selftune::dashboard {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using namespace std::chrono_literals;  // NOLINT(google-build-using-namespace)

constexpr size_t kWorkers = 4;
constexpr milliseconds kHeartbeat{15'000};
constexpr milliseconds kGrace{2000};
constexpr milliseconds kLookAgain{1000};  // at the store, for health
constexpr size_t kKeptReplies = 4 << 20;  // bytes
constexpr int kApiVersion = 3;
constexpr std::string_view kService = "selftune-dashboard";

struct TopicName {
  uint32_t bit;
  std::string_view name;
};
constexpr TopicName kTopics[] = {
    {SELFTUNE_TOPIC_EVIDENCE, "evidence"},   {SELFTUNE_TOPIC_GRADING, "grading"},
    {SELFTUNE_TOPIC_EVOLUTION, "evolution"}, {SELFTUNE_TOPIC_JOBS, "jobs"},
    {SELFTUNE_TOPIC_UPLOAD, "upload"},       {SELFTUNE_TOPIC_SETTINGS, "settings"},
};

http::Response Refused(const Refusal& refusal) {
  return ProblemResponse(
      {.status = refusal.status, .code = refusal.code, .detail = refusal.detail});
}

http::Response NotSignedIn() {
  return ProblemResponse({.status = 401,
                          .code = "NOT_SIGNED_IN",
                          .detail = "open the dashboard by the link that the command prints",
                          .next_command = "selftune dashboard"});
}

bool IsUnsafe(std::string_view method) { return method != "GET" && method != "HEAD"; }

http::Response NotModified(const std::string& etag) {
  http::Response out = JsonResponse(304, "");
  out.Add("ETag", etag);
  return out;
}

// An encoded slash; names of skills may have one, files do not.
bool HoldsSlash(const std::vector<std::string>& segments) {
  return std::any_of(segments.begin(), segments.end(), [](const std::string& segment) {
    return segment.find('/') != std::string::npos;
  });
}

std::string ValueOf(const std::vector<http::Header>& query, std::string_view name) {
  const auto at = std::find_if(query.begin(), query.end(),
                               [&](const http::Header& each) { return each.first == name; });
  return at == query.end() ? std::string() : at->second;
}

http::Server::Options ServerOptions(const http::Limits& limits, std::vector<int> sockets,
                                    http::Feed* feed) {
  http::Server::Options out;
  out.limits = limits;
  out.listeners = std::move(sockets);
  out.feed = feed;
  out.refuse = [](int status, std::string_view code, std::string_view detail) {
    return ProblemResponse({.status = status, .code = code, .detail = detail});
  };
  return out;
}

}  // namespace

App::App(AppOptions options, Library& library, std::vector<int> sockets)
    : options_(std::move(options)),
      library_(library),
      assets_(options_.web_dir),
      events_(options_.self.instance.substr(0, 8)),
      replies_(kKeptReplies),
      server_([&] {
        http::Server::Options out = ServerOptions(options_.limits, std::move(sockets), &events_);
        out.handle = [this](const http::Request& request, const Respond& respond) {
          Handle(request, respond);
        };
        out.on_signal = [this] { End("shutdown"); };
        return out;
      }()) {}

std::string App::Run() {
  const std::string error = library_.Subscribe([this](int64_t clock, uint32_t topics) {
    server_.Post([this, clock, topics] { OnChange(clock, topics); });
  });
  if (!error.empty()) return error;
  workers_ = std::make_unique<Workers>(kWorkers);
  LookAtStore();
  server_.After(kHeartbeat, [this] { Heartbeat(); });
  if (options_.idle_exit.count() > 0) WatchIdleness();
  server_.Run();
  RemoveLinkFiles(RunFolder(), 0s);  // no code is good any more
  library_.Unsubscribe();
  library_.CancelAll();  // nobody waits for it any more
  workers_.reset();
  return "";
}

void App::Handle(const http::Request& request, const Respond& respond) {
  const int port = options_.self.port;
  if (auto refusal = CheckHost(request, port)) {
    http::Response response = Refused(*refusal);
    response.close = true;
    respond(std::move(response));
    return;
  }
  const auto segments = SplitPath(request.path);
  const bool api = segments.has_value() && !segments->empty() && segments->front() == "api";
  if (auto refusal = CheckSite(request, port, api ? Target::kApi : Target::kAsset)) {
    respond(Refused(*refusal));
  } else if (!segments.has_value() || (!api && HoldsSlash(*segments))) {
    respond(ProblemResponse(
        {.status = 400, .code = "BAD_PATH", .detail = "the address is not a plain path"}));
  } else if (api) {
    HandleApi(request, *segments, respond);
  } else {
    respond(Asset(request, *segments));
  }
}

http::Response App::Asset(const http::Request& request,
                          const std::vector<std::string>& segments) const {
  if (IsUnsafe(request.method)) {
    http::Response out = ProblemResponse(
        {.status = 405, .code = "METHOD_NOT_ALLOWED", .detail = "pages are only read"});
    out.Add("Allow", "GET, HEAD");
    return out;
  }
  if (auto found = assets_.Get(request, segments)) return *std::move(found);
  return ProblemResponse({.status = 404, .code = "NOT_FOUND", .detail = "there is no such file"});
}

// A proof is answered by one.
App::Respond App::Proving(const Respond& respond, const std::string& nonce) const {
  return [this, respond, nonce](http::Response response) {
    response.Add(std::string(kReplyProof),
                 ProveReply(auth_.token(), nonce, response.status, response.body));
    respond(std::move(response));
  };
}

void App::HandleApi(const http::Request& request, const std::vector<std::string>& segments,
                    const Respond& plain_respond) {
  const RouteMatch match = FindRoute(request.method, segments);
  const bool open = match.route != nullptr && match.route->access == Access::kPublic;
  const bool token = match.route != nullptr && match.route->access == Access::kToken;
  const Auth::Shown shown = auth_.Look(request);
  const Respond respond = shown.nonce.empty() ? plain_respond : Proving(plain_respond, shown.nonce);
  if (shown.session && request.keep_place) request.keep_place();
  if (!open && !(token ? shown.token : shown.session)) {
    respond(NotSignedIn());
    return;
  }
  if (IsUnsafe(request.method)) {
    if (auto refusal = CheckUnsafe(request, options_.self.port)) {
      respond(Refused(*refusal));
      return;
    }
  }
  const bool v2 = segments.size() > 1 && segments[1] == "v2";
  if (match.route == nullptr) {
    http::Response out = ProblemResponse(
        match.allow.empty()
            ? Problem{.status = 404, .code = "NOT_FOUND", .detail = "there is no such address"}
            : Problem{.status = 405, .code = "METHOD_NOT_ALLOWED", .detail = "see Allow"});
    if (!match.allow.empty()) out.Add("Allow", match.allow);
    respond(std::move(out));
    return;
  }
  const auto query = SplitQuery(request.query);
  const OpParams params = query.has_value() ? ParamsOf(*match.route, match.place, *query)
                                            : OpParams{{}, "the query is not well-formed"};
  if (!params.error.empty()) {
    respond(ProblemResponse(
        {.status = 400, .code = "INVALID_REQUEST", .detail = params.error, .v2 = v2}));
  } else if (match.route->own != Own::kNone) {
    HandleOwn(*match.route, request, shown.session, *query, respond);
  } else {
    const std::string etag = match.route->cached ? Etag() : std::string();
    if (!etag.empty() && HoldsTag(request, etag)) {
      respond(NotModified(etag));
    } else if (const std::string* kept = replies_.Find(request.path + params.json, etag)) {
      respond(JsonResponse(200, *kept).Add("ETag", etag));
    } else {
      AskLibrary(*match.route, request.path + params.json, params.json, etag, respond);
    }
  }
}

void App::AskLibrary(const Route& route, const std::string& key, const std::string& params,
                     const std::string& etag, const Respond& respond) {
  // What the store's clock stands for may be joined at any time, the rest as long
  // as nobody has begun: no answer is older than its question.
  const std::string name = key + etag;
  if (const auto at = asked_.find(name);
      at != asked_.end() && (!etag.empty() || !at->second->begun)) {
    at->second->waiting.push_back(respond);
    return;
  }
  auto asked = std::make_shared<Asked>();
  asked->waiting.push_back(respond);
  asked_[name] = asked;
  const auto work = [this, &route, asked, name, key, params, etag] {
    asked->begun = true;
    const LibraryReply reply = library_.Ask(route.op, params);
    http::Response response =
        reply.kind == SELFTUNE_OK
            ? DataResponse(reply.json)
            : ErrorResponse(reply.kind, reply.json, route.pattern.starts_with("/api/v2/"));
    server_.Post([this, asked, name, key, etag, response = std::move(response)]() mutable {
      Answer(asked, name, key, etag, std::move(response));
    });
  };
  workers_->Add(work, route.dear ? Workers::Cost::kDear : Workers::Cost::kUsual);
}

void App::Answer(const std::shared_ptr<Asked>& asked, const std::string& name,
                 const std::string& key, const std::string& etag, http::Response response) {
  if (const auto at = asked_.find(name); at != asked_.end() && at->second == asked) {
    asked_.erase(at);
  }
  if (!etag.empty() && response.status == 200) {
    response.Add("ETag", etag);
    replies_.Put(key, etag, response.body);
  }
  for (const Respond& respond : asked->waiting) respond(response);
}

// The store's clock says which evidence a reply knows; the minute bounds how old
// its "last 30 days" may be. Taken before the operation runs: a reply may know
// more than its tag says, never less. The changes seen tell stores apart that
// replaced each other.
std::string App::Etag() const {
  return "W/\"" + options_.self.instance.substr(0, 8) + "-" + std::to_string(clock_) + "." +
         std::to_string(changes_) + "-" + std::to_string(std::time(nullptr) / 60) + "\"";
}

void App::HandleOwn(const Route& route, const http::Request& request, bool signed_in,
                    const std::vector<http::Header>& query, const Respond& respond) {
  switch (route.own) {
    case Own::kHealth:
      Health(signed_in, respond);
      return;
    case Own::kSession:
      respond(SignIn(request));
      return;
    case Own::kInstance:
      respond(Instance());
      return;
    case Own::kCode:
      respond(Code());
      return;
    case Own::kEvents:
      respond(BeginStream(request, query));
      return;
    case Own::kShutdown:
      respond(JsonResponse(202, R"({"ok":true})"));
      server_.Post([this] { End("shutdown"); });
      return;
    case Own::kNone:
      break;
  }
  respond(ProblemResponse({.status = 500, .code = "INTERNAL", .detail = "a route without answer"}));
}

http::Response App::SignIn(const http::Request& request) {
  const auto now = Auth::Clock::now();
  const cli::Json body = cli::Json::Parse(request.body).value_or(cli::Json());
  if (!body["code"].is_string()) {
    return ProblemResponse(
        {.status = 400, .code = "INVALID_REQUEST", .detail = R"(send {"code": "..."})"});
  }
  const std::optional<std::string> key = auth_.Redeem(body["code"].Text(), now);
  if (!key.has_value() && auth_.Exhausted(now)) {
    return ProblemResponse({.status = 429,
                            .code = "TOO_MANY_ATTEMPTS",
                            .detail = "too many wrong codes; wait a minute"});
  }
  if (!key.has_value()) {
    return ProblemResponse({.status = 401,
                            .code = "CODE_INVALID",
                            .detail = "the link was used or is older than a minute",
                            .next_command = "selftune dashboard"});
  }
  // Others may be on their way to other browsers.
  unlink((RunFolder() + "/" + LinkFileName(body["code"].Text())).c_str());
  return JsonResponse(200, cli::JsonObject().AddBool("ok", true).AddText("key", *key).Take());
}

http::Response App::Code() {
  return JsonResponse(200,
                      cli::JsonObject()
                          .AddText("code", MintCode())
                          .AddInt("expires_in_s", static_cast<int64_t>(Auth::kCodeLife.count()))
                          .Take());
}

std::string App::Build() const {
  const std::string page = assets_.build();
  return page.empty() ? options_.self.version : options_.self.version + "+" + page;
}

http::Response App::Instance() const {
  return JsonResponse(200, cli::JsonObject()
                               .AddText("instance", options_.self.instance)
                               .AddInt("pid", options_.self.pid)
                               .AddInt("port", options_.self.port)
                               .AddText("version", options_.self.version)
                               .AddText("build", Build())
                               .AddText("started_at", options_.self.started_at)
                               .AddBool("read_only", options_.read_only)
                               .AddText("web", assets_.present() ? "dist" : "missing")
                               .AddInt("clients", static_cast<int64_t>(server_.streams()))
                               .Take());
}

// Anybody may know that a dashboard runs here; how the machine looks is for
// those who signed in.
void App::Health(bool signed_in, const Respond& respond) {
  if (!signed_in) {
    respond(JsonResponse(200, Introduction().Take()));
    return;
  }
  if (store_.has_value()) {
    TellHealth(respond);
  } else {
    first_healths_.push_back(respond);
  }
  if (steady_clock::now() - looked_at_ >= kLookAgain) LookAtStore();
}

cli::JsonObject App::Introduction() const {
  cli::JsonObject out;
  out.AddBool("ok", true)
      .AddText("service", kService)
      .AddText("version", options_.self.version)
      .AddInt("api", kApiVersion)
      .AddText("instance", options_.self.instance);
  return out;
}

void App::TellHealth(const Respond& respond) const {
  cli::JsonObject out = Introduction();
  out.AddRaw("latest_version", "null")
      .AddBool("update_available", false)
      .AddBool("auto_update_supported", false)
      .AddRaw("update_hint", "null")
      .AddInt("pid", options_.self.pid)
      .AddBool("spa", assets_.present())
      .AddText("spa_mode", assets_.present() ? "dist" : "missing")
      .AddText("spa_build_id", Build())
      .AddRaw("spa_proxy_url", "null")
      .AddText("workspace_root", options_.state_dir)
      .AddText("log_dir", options_.state_dir)
      .AddText("config_dir", options_.state_dir)
      .AddText("watcher_mode", "wal")
      .AddText("process_mode", "standalone")
      .AddText("host", "127.0.0.1")
      .AddInt("port", options_.self.port)
      .AddBool("v2_data_available", store_->available)
      .AddText("git_sha", store_->commit)
      .AddText("db_path", store_->path);
  respond(JsonResponse(200, out.Take()));
}

// The first look also tells the clock of the store before the first change; a
// store that is not there yet has none.
void App::LookAtStore() {
  if (std::exchange(looking_, true)) return;
  looked_at_ = steady_clock::now();
  workers_->Add([this] {
    const LibraryReply info = library_.Ask("store.info", R"({"counts":false})");
    const LibraryReply about = library_.Ask("about.version", "{}");
    const auto data = [](const LibraryReply& reply) {
      return cli::Json::Parse(RawMember(reply.json, "data").value_or("null")).value_or(cli::Json());
    };
    StoreState state{.available = info.kind == SELFTUNE_OK,
                     .path = data(info)["path"].Text(),
                     .commit = data(about)["commit"].Text()};
    const int64_t clock = data(info)["change_version"].Int();
    server_.Post([this, state = std::move(state), clock]() mutable {
      looking_ = false;
      if (state.available && changes_ == 0 && clock_ == 0) clock_ = clock;
      store_ = std::move(state);
      for (const Respond& respond : std::exchange(first_healths_, {})) TellHealth(respond);
    });
  });
}

http::Response App::BeginStream(const http::Request& request,
                                const std::vector<http::Header>& query) {
  if (server_.streams() >= options_.limits.streams) {
    return ProblemResponse({.status = 429,
                            .code = "TOO_MANY_STREAMS",
                            .detail = "too many event streams; share one over tabs"});
  }
  std::string last_id(request.Get("last-event-id"));
  if (last_id.empty()) last_id = ValueOf(query, "last_event_id");
  const EventRing::Resumption resumption = events_.Resume(last_id);
  const std::string hello = cli::JsonObject()
                                .AddText("instance", options_.self.instance)
                                .AddText("version", options_.self.version)
                                .AddText("build", Build())
                                .AddInt("clock", clock_)
                                .Take();
  http::Response out;
  out.stream = true;
  out.cursor = resumption.cursor;
  out.body = "retry: 2000\n\n" + events_.Single("hello", hello, resumption.cursor);
  if (!resumption.missed.empty()) {
    out.body += events_.Single("reset", ResetData(resumption.missed, clock_), resumption.cursor);
  }
  out.Add("Content-Type", "text/event-stream").Add("Cache-Control", "no-store");
  AddSecurityHeaders(out);
  return out;
}

void App::OnChange(int64_t clock, uint32_t topics) {
  ++changes_;
  clock_ = clock;
  events_.set_clock(clock_);
  Follow(coalescer_.OnChange(topics, steady_clock::now()));
}

void App::Follow(const Coalescer::Decision& decision) {
  if (decision.what == Coalescer::Do::kSend) SendChange();
  if (decision.what == Coalescer::Do::kWait) {
    server_.After(decision.wait, [this] { Follow(coalescer_.Due(steady_clock::now())); });
  }
}

void App::SendChange() {
  const uint32_t topics = coalescer_.Take(steady_clock::now());
  std::string names;
  for (const TopicName& topic : kTopics) {
    if ((topics & topic.bit) != 0) names += (names.empty() ? "" : ",") + cli::Quote(topic.name);
  }
  events_.Add("change", cli::JsonObject()
                            .AddInt("clock", clock_)
                            .AddRaw("topics", "[" + names + "]")
                            .AddText("skills", "many")
                            .Take());
  server_.WakeStreams();
}

void App::Heartbeat() {
  server_.SendToStreams(": still here\n\n");
  RemoveLinkFiles(RunFolder(), Auth::kCodeLife);
  server_.After(kHeartbeat, [this] { Heartbeat(); });
}

// Nobody listens and nobody asked since the last look.
void App::WatchIdleness() {
  const auto now = steady_clock::now();
  if (server_.streams() > 0 || server_.requests() != busy_requests_) {
    busy_requests_ = server_.requests();
    busy_at_ = now;
  }
  const auto idle = std::chrono::duration_cast<milliseconds>(now - busy_at_);
  if (idle >= options_.idle_exit) {
    End("idle");
    return;
  }
  const milliseconds left = options_.idle_exit - idle;
  server_.After(std::max(milliseconds(10), left), [this] { WatchIdleness(); });
}

void App::End(std::string_view reason) {
  if (std::exchange(ending_, true)) return;
  events_.Add("bye", cli::JsonObject().AddText("reason", reason).Take());
  server_.WakeStreams();
  server_.Stop(kGrace);
}

}  // namespace selftune::dashboard
