// The parts of the dashboard server that are functions of their input.
#include <sodium.h>
#include <stdlib.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "dashboard/assets.h"
#include "dashboard/events.h"
#include "dashboard/guard.h"
#include "dashboard/http/head_check.h"
#include "dashboard/instance.h"
#include "dashboard/library.h"
#include "dashboard/proof.h"
#include "dashboard/replies.h"
#include "dashboard/reply_cache.h"
#include "dashboard/routes.h"
#include "dashboard/workers.h"

namespace selftune::dashboard {
namespace {

using std::chrono::milliseconds;

int StatusOf(const std::string& head, const http::Limits& limits = {}) {
  const auto problem = http::CheckHead(head, limits);
  return problem.has_value() ? problem->status : 200;
}

std::string Head(const std::string& fields) {
  return "GET /x HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

http::Request With(std::vector<http::Header> headers, std::string method = "GET") {
  http::Request out;
  out.method = std::move(method);
  out.headers = std::move(headers);
  return out;
}

TEST_SUITE("dashboard/link files") {
  TEST_CASE("each code has a file of its own, whose name does not tell it") {
    const std::string code = "0123456789abcdef0123456789abcdef";
    CHECK(LinkFileName(code) == LinkFileName(code));
    CHECK(LinkFileName(code) != LinkFileName(code + "0"));
    CHECK(LinkFileName(code).find(code.substr(0, 6)) == std::string::npos);
  }

  TEST_CASE("those that are old enough go, and nothing else") {
    std::string folder = std::filesystem::temp_directory_path() / "selftune-parts-XXXXXX";
    REQUIRE(mkdtemp(folder.data()) != nullptr);
    const std::string old = folder + "/" + LinkFileName("old");
    const std::string young = folder + "/" + LinkFileName("young");
    const std::string other = folder + "/dashboard.json";
    const auto now = std::filesystem::file_time_type::clock::now();
    for (const std::string& path : {old, young, other}) {
      REQUIRE(WritePrivateFile(path, "x").empty());
      std::filesystem::last_write_time(path, path == young ? now : now - std::chrono::minutes(5));
    }
    RemoveLinkFiles(folder, std::chrono::seconds(60));
    CHECK_FALSE(std::filesystem::exists(old));
    CHECK(std::filesystem::exists(young));
    RemoveLinkFiles(folder, std::chrono::seconds(0));
    CHECK_FALSE(std::filesystem::exists(young));
    CHECK(std::filesystem::exists(other));
    RemoveLinkFiles(folder + "/none", std::chrono::seconds(0));
    std::filesystem::remove_all(folder);
  }
}

TEST_SUITE("dashboard/head_check") {
  TEST_CASE("a head of a browser passes") {
    CHECK(StatusOf(Head("")) == 200);
    CHECK(StatusOf(Head("Accept: */*\r\nX-Empty:\r\nX: a\tb \xc3\xa9\r\n")) == 200);
    CHECK(StatusOf(Head("Content-Length: 0\r\n")) == 200);
  }

  TEST_CASE("what two parsers may read in two ways is refused") {
    struct Case {
      const char* name;
      std::string head;
      int status;
    };
    const Case cases[] = {
        {"no end", "GET /x HTTP/1.1\r\nHost: a\r\n", 400},
        {"bare line feeds", "GET /x HTTP/1.1\nHost: a\n\n\r\n\r\n", 400},
        {"end inside", "GET /x HTTP/1.1\r\n\r\nHost: a\r\n\r\n", 400},
        {"no host", "GET /x HTTP/1.1\r\nX: y\r\n\r\n", 400},
        {"two hosts", Head("Host: b\r\n"), 400},
        {"folded", Head("X: a\r\n b\r\n"), 400},
        {"blank before the colon", Head("X : a\r\n"), 400},
        {"no colon", Head("X\r\n"), 400},
        {"carriage return", Head("X: a\rb\r\n"), 400},
        {"NUL", Head(std::string("X: a\0b\r\n", 8)), 400},
        {"two lengths", Head("Content-Length: 1\r\nContent-Length: 1\r\n"), 400},
        {"length and coding", Head("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"), 400},
        {"coding", Head("Transfer-Encoding: chunked\r\n"), 411},
        {"signed length", Head("Content-Length: +1\r\n"), 400},
        {"huge length", Head("Content-Length: 99999999999999999999\r\n"), 413},
        {"upgrade", Head("Upgrade: websocket\r\n"), 400},
        {"absolute form", "GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"asterisk", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"fragment", "GET /x#y HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        {"old version", "GET /x HTTP/1.0\r\nHost: a\r\n\r\n", 505},
    };
    for (const Case& c : cases) {
      CAPTURE(c.name);
      CHECK(StatusOf(c.head) == c.status);
    }
  }

  TEST_CASE("limits hold to the byte") {
    http::Limits limits;
    limits.target_bytes = 10;
    limits.body_bytes = 5;
    limits.header_fields = 2;
    const auto target = [](size_t size) {
      return "GET /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
    };
    CHECK(StatusOf(target(10), limits) == 200);
    CHECK(StatusOf(target(11), limits) == 414);
    CHECK(StatusOf(Head("Content-Length: 5\r\n"), limits) == 200);
    CHECK(StatusOf(Head("Content-Length: 6\r\n"), limits) == 413);
    CHECK(StatusOf(Head("A: 1\r\nB: 2\r\n"), limits) == 431);
  }
}

TEST_SUITE("dashboard/guard") {
  TEST_CASE("only exact names of this server are hosts") {
    for (const char* host : {"127.0.0.1:81", "localhost:81", "[::1]:81"}) {
      CHECK(!CheckHost(With({{"host", host}}), 81).has_value());
    }
    for (const char* host : {"127.0.0.1", "localhost:8", "localhost:810", "LOCALHOST:81", "",
                             "a.localhost:81", "127.0.0.1:81 "}) {
      CHECK(CheckHost(With({{"host", host}}), 81).has_value());
    }
  }

  TEST_CASE("paths have one meaning") {
    using Parts = std::vector<std::string>;
    CHECK(SplitPath("/") == Parts{});
    CHECK(SplitPath("/a/b%20c") == Parts{"a", "b c"});
    CHECK(SplitPath("/a%2Fb") == Parts{"a/b"});
    CHECK(SplitPath("/%25") == Parts{"%"});
    for (const char* path : {"", "a", "//", "/a/", "/a//b", "/.", "/..", "/%2e", "/.%2E/x", "/%",
                             "/%1", "/%gg", "/%00", "/%0d", "/%7f", "/a\\b", "/%5c"}) {
      CAPTURE(path);
      CHECK(!SplitPath(path).has_value());
    }
  }

  TEST_CASE("queries have one meaning") {
    const auto query = SplitQuery("a=1&b=x+y%2B&c&&d=");
    REQUIRE(query.has_value());
    CHECK(query->size() == 4);
    CHECK((*query)[1] == http::Header{"b", "x y+"});
    CHECK((*query)[2] == http::Header{"c", ""});
    for (const char* text : {"a=1&a=2", "a=%", "a=%0", "%zz=1", "a=%00", "a=%0a", "%61=1&a=1"}) {
      CHECK(!SplitQuery(text).has_value());
    }
  }
}

TEST_SUITE("dashboard/routes") {
  TEST_CASE("every route finds itself and nothing else does") {
    for (const Route& route : Routes()) {
      std::string path(route.pattern);
      const size_t place = path.find(':');
      if (place != std::string::npos) path.replace(place, 1, "7");
      const auto segments = SplitPath(path);
      REQUIRE(segments.has_value());
      const RouteMatch match = FindRoute(route.method, *segments);
      CHECK(match.route == &route);
      CHECK(match.place == (place == std::string::npos ? "" : "7"));
      CHECK((route.op.empty() == (route.own != Own::kNone)));
      CHECK((route.method == "GET" || route.access != Access::kSession));
    }
    CHECK(FindRoute("HEAD", {"api", "health"}).route != nullptr);
    CHECK(FindRoute("PUT", {"api", "health"}).allow == "GET, HEAD");
    CHECK(FindRoute("GET", {"api"}).allow.empty());
    CHECK(FindRoute("GET", {"api", "v3", "skills", "1", "daily", "x"}).allow.empty());
  }

  TEST_CASE("parameters are those of the table") {
    const Route& route = *FindRoute("GET", {"api", "v3", "skills", "7", "misses"}).route;
    CHECK(ParamsOf(route, "7", {}).json == R"({"skill_id":7})");
    CHECK(ParamsOf(route, "7", {{"raw", "true"}, {"limit", "2"}, {"since", "7d"}}).json ==
          R"({"skill_id":7,"raw":true,"limit":2,"since":"7d"})");
    CHECK(!ParamsOf(route, "x", {}).error.empty());
    CHECK(!ParamsOf(route, "7", {{"raw", "1"}}).error.empty());
    CHECK(!ParamsOf(route, "7", {{"limit", "501"}}).error.empty());
    CHECK(!ParamsOf(route, "7", {{"skill_id", "8"}}).error.empty());
  }
}

TEST_SUITE("dashboard/replies") {
  TEST_CASE("a member is taken as it stands") {
    const std::string json =
        R"({"a":{"data":1},"s":"}\"data\":2","n":-1.5e3 , "data" : {"x":[1,{"y":"]"}]} ,"z":null})";
    CHECK(RawMember(json, "data") == R"({"x":[1,{"y":"]"}]})");
    CHECK(RawMember(json, "n") == "-1.5e3 ");
    CHECK(RawMember(json, "s") == R"("}\"data\":2")");
    CHECK(RawMember(json, "z") == "null");
    CHECK(RawMember(json, "x") == std::nullopt);
    CHECK(RawMember("", "x") == std::nullopt);
    CHECK(RawMember("{}", "x") == std::nullopt);
  }
}

TEST_SUITE("dashboard/reply_cache") {
  TEST_CASE("a reply holds as long as its tag, and there is room") {
    ReplyCache cache(8000);
    CHECK(cache.Find("a", "1") == nullptr);
    cache.Put("a", "1", std::string(20, 'a'));
    REQUIRE(cache.Find("a", "1") != nullptr);
    CHECK(*cache.Find("a", "1") == std::string(20, 'a'));
    CHECK(cache.Find("a", "2") == nullptr);
    const size_t before = cache.bytes();
    cache.Put("a", "2", "new");
    CHECK(cache.Find("a", "1") == nullptr);
    CHECK(cache.bytes() == before - 17);
    cache.Put("large", "1", std::string(2000, 'x'));
    CHECK(cache.Find("large", "1") == nullptr);
    for (int i = 0; i < 10; ++i) cache.Put(std::to_string(i), "1", std::string(1500, 'x'));
    CHECK(cache.bytes() <= 8000);
    CHECK(cache.Find("5", "1") == nullptr);
    CHECK(cache.Find("9", "1") != nullptr);
  }

  TEST_CASE("long keys take room: nobody fills the memory with questions") {
    ReplyCache cache(1 << 20);
    size_t held = 0;
    for (int i = 0; i < 2000; ++i) {
      cache.Put(std::string(4000, 'q') + std::to_string(i), "1", "[]");
      REQUIRE(cache.bytes() <= 1U << 20);
    }
    for (int i = 0; i < 2000; ++i) {
      held += cache.Find(std::string(4000, 'q') + std::to_string(i), "1") != nullptr ? 1 : 0;
    }
    CHECK(held * 2 * 4000 <= 1U << 20);
    CHECK(held > 50);
  }
}

TEST_SUITE("dashboard/workers") {
  TEST_CASE("dear work never takes all threads, and all of it is done") {
    std::mutex mutex;
    std::condition_variable changed;
    bool open = false;
    int begun = 0, done = 0, usual = 0;
    Workers workers(4);
    for (int i = 0; i < 12; ++i) {
      workers.Add(
          [&] {
            std::unique_lock lock(mutex);
            ++begun;
            changed.notify_all();
            changed.wait(lock, [&] { return open; });
            ++done;
            changed.notify_all();
          },
          Workers::Cost::kDear);
    }
    for (int i = 0; i < 20; ++i) {
      workers.Add([&] {
        const std::lock_guard lock(mutex);
        ++usual;
        changed.notify_all();
      });
    }
    std::unique_lock lock(mutex);
    // The usual work is done while all the dear work waits for it.
    changed.wait(lock, [&] { return usual == 20 && begun == 2; });
    CHECK(done == 0);
    open = true;
    changed.notify_all();
    changed.wait(lock, [&] { return done == 12; });
  }
}

TEST_SUITE("dashboard/library") {
  constexpr std::string_view kEndless =
      R"({"sql":"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) )"
      R"(SELECT count(*) FROM n"})";

  TEST_CASE("what runs for long is given up when the server ends") {
    char folder[] = "/tmp/selftune-parts-XXXXXX";
    REQUIRE(mkdtemp(folder) != nullptr);
    selftune_options_t options = SELFTUNE_OPTIONS_INIT;
    options.home = options.config_dir = {folder, std::strlen(folder)};
    selftune_engine_t* engine = nullptr;
    REQUIRE(selftune_open(&options, &engine, nullptr) == SELFTUNE_OK);
    constexpr std::string_view kMake = R"({"op":"sync.run","params":{}})";
    selftune_buf_t made = SELFTUNE_BUF_INIT;
    REQUIRE(selftune_request(engine, {kMake.data(), kMake.size()}, &made, nullptr) == SELFTUNE_OK);
    selftune_buf_free(&made);
    selftune_close(engine);
    std::string error;
    const auto library = Library::Open({.home = folder, .db = "", .read_only = false}, &error);
    REQUIRE_MESSAGE(library != nullptr, error);
    REQUIRE(library->Ask("store.info", "{}").kind == SELFTUNE_OK);
    LibraryReply reply;
    std::atomic<bool> asked = false;
    std::thread endless([&] {
      asked = true;
      reply = library->Ask("store.query", kEndless);
    });
    while (!asked) std::this_thread::yield();
    library->CancelAll();
    endless.join();
    CHECK(reply.kind == SELFTUNE_E_CANCELLED);
    CHECK(library->Ask("store.query", kEndless).kind == SELFTUNE_E_CANCELLED);  // and later
    std::filesystem::remove_all(folder);
  }
}

TEST_SUITE("dashboard/headers") {
  TEST_CASE("gzip is sent to who takes it") {
    const auto takes = [](const char* text) {
      return TakesGzip(With({{"accept-encoding", text}}));
    };
    for (const char* text : {"gzip", "GZIP", "br, gzip", "gzip;q=0.1", "gzip ; q=1", "*",
                             "br;q=0,gzip", "identity;q=0, *;q=0.5", "gzip;q=0.01"}) {
      CAPTURE(text);
      CHECK(takes(text));
    }
    for (const char* text : {"", "br", "gzip;q=0", "gzip; q=0", "gzip;q=0.0", "gzip;Q=0.000",
                             "x-gzip", "gzipped", "*;q=0", "gzip;q=0, *", "*, gzip;q=0"}) {
      CAPTURE(text);
      CHECK(!takes(text));
    }
    CHECK(!TakesGzip(With({})));
  }

  TEST_CASE("tags are compared as a whole") {
    const auto holds = [](const char* list, const char* tag) {
      return HoldsTag(With({{"if-none-match", list}}), tag);
    };
    CHECK(holds("*", "\"a\""));
    CHECK(holds("\"x\", W/\"a\"", "\"a\""));
    CHECK(holds("\"a\"", "W/\"a\""));
    CHECK(!holds("\"ab\"", "\"a\""));
    CHECK(!holds("\"a", "\"a\""));
    CHECK(!holds("a", "\"a\""));
    CHECK(!HoldsTag(With({}), "\"a\""));
  }
}

TEST_SUITE("dashboard/proof") {
  const ProvenRequest kRequest{"GET", "/x?y", "127.0.0.1:81", "{}"};

  TEST_CASE("a proof holds for its request alone") {
    REQUIRE(sodium_init() >= 0);
    const Proof proof = ProveRequest("token", kRequest);
    const auto read = ParseProof(proof.Text());
    REQUIRE(read.has_value());
    CHECK(ProofHolds("token", kRequest, *read));
    CHECK(!ProofHolds("tokem", kRequest, *read));
    for (const ProvenRequest& other : {ProvenRequest{"POST", "/x?y", "127.0.0.1:81", "{}"},
                                       ProvenRequest{"GET", "/x", "127.0.0.1:81", "{}"},
                                       ProvenRequest{"GET", "/x?y", "[::1]:81", "{}"},
                                       ProvenRequest{"GET", "/x?y", "127.0.0.1:81", "{} "},
                                       // The same bytes, cut elsewhere.
                                       ProvenRequest{"GET/", "x?y", "127.0.0.1:81", "{}"}}) {
      CHECK(!ProofHolds("token", other, *read));
    }
    Proof later = *read;
    ++later.stamp;
    CHECK(!ProofHolds("token", kRequest, later));
    CHECK(ProveRequest("token", kRequest).nonce != proof.nonce);
    for (const char* text : {"", ".", "..", "1.2", "x.00000000000000000000000000000000.a",
                             "1.0000.a", "1 .00000000000000000000000000000000.a"}) {
      CHECK(!ParseProof(text).has_value());
    }
  }

  TEST_CASE("a reply's proof holds for its request, status and body") {
    REQUIRE(sodium_init() >= 0);
    const std::string proof = ProveReply("token", "n", 200, "{}");
    CHECK(proof == ProveReply("token", "n", 200, "{}"));
    CHECK(proof != ProveReply("token", "m", 200, "{}"));
    CHECK(proof != ProveReply("token", "n", 201, "{}"));
    CHECK(proof != ProveReply("token", "n", 200, "[]"));
    CHECK(proof != ProveReply("tokem", "n", 200, "{}"));
  }
}

TEST_SUITE("dashboard/events") {
  std::vector<std::string> All(EventRing & ring, uint64_t cursor) {
    std::vector<std::string> out;
    for (;;) {
      const auto frames = ring.Take(&cursor);
      if (frames.empty()) return out;
      for (const auto& frame : frames) out.push_back(*frame);
    }
  }

  TEST_CASE("a client goes on where it was") {
    EventRing ring("e", 4);
    CHECK(ring.Resume("").cursor == 0);
    for (int i = 1; i <= 3; ++i) ring.Add("change", std::to_string(i));
    CHECK(All(ring, 1) == std::vector<std::string>{"id: e-2\nevent: change\ndata: 2\n\n",
                                                   "id: e-3\nevent: change\ndata: 3\n\n"});
    CHECK(ring.Resume("e-1").cursor == 1);
    CHECK(ring.Resume("e-1").missed.empty());
    CHECK(ring.Resume("e-0").missed.empty());
    CHECK(ring.Resume("e-4").missed == "gone");
    CHECK(ring.Resume("f-1").missed == "restarted");
  }

  TEST_CASE("who fell behind the ring is told once") {
    EventRing ring("e", 4);
    for (int i = 1; i <= 10; ++i) ring.Add("change", "{}");
    CHECK(ring.Resume("e-5").missed == "gone");
    CHECK(ring.Resume("e-6").missed.empty());
    const auto told = All(ring, 2);
    REQUIRE(told.size() == 1);
    CHECK(told[0].find("id: e-10\nevent: reset\n") == 0);
  }

  TEST_CASE("the first change goes at once, then at most four a second") {
    Coalescer pace;
    Coalescer::Clock::time_point now{};
    using Do = Coalescer::Do;
    CHECK(pace.OnChange(1, now).what == Do::kSend);
    CHECK(pace.Take(now) == 1);
    now += milliseconds(100);
    const auto later = pace.OnChange(2, now);
    CHECK(later.what == Do::kWait);
    CHECK(later.wait == milliseconds(150));
    CHECK(pace.OnChange(4, now + milliseconds(50)).what == Do::kNothing);
    now += milliseconds(150);
    CHECK(pace.Due(now).what == Do::kSend);
    CHECK(pace.Take(now) == 6);
    now += milliseconds(250);
    CHECK(pace.OnChange(8, now).what == Do::kSend);
  }
}

}  // namespace
}  // namespace selftune::dashboard
