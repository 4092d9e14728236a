// The parts of the dashboard server that are functions of their input.
#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "dashboard/events.h"
#include "dashboard/guard.h"
#include "dashboard/http/head_check.h"
#include "dashboard/replies.h"
#include "dashboard/reply_cache.h"
#include "dashboard/routes.h"

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
    ReplyCache cache(100);
    CHECK(cache.Find("a", "1") == nullptr);
    cache.Put("a", "1", std::string(20, 'a'));
    REQUIRE(cache.Find("a", "1") != nullptr);
    CHECK(*cache.Find("a", "1") == std::string(20, 'a'));
    CHECK(cache.Find("a", "2") == nullptr);
    cache.Put("a", "2", "new");
    CHECK(cache.Find("a", "1") == nullptr);
    CHECK(cache.bytes() == 3);
    cache.Put("large", "1", std::string(26, 'x'));
    CHECK(cache.Find("large", "1") == nullptr);
    for (int i = 0; i < 10; ++i) cache.Put(std::to_string(i), "1", std::string(25, 'x'));
    CHECK(cache.bytes() == 100);
    CHECK(cache.Find("5", "1") == nullptr);
    CHECK(cache.Find("9", "1") != nullptr);
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
