// One request and its response, without the HTTP library.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace selftune::dashboard::http {

using Header = std::pair<std::string, std::string>;

struct Request {
  std::string method;           // "GET"
  std::string path;             // as sent, before '?'
  std::string query;            // behind it, as sent
  std::vector<Header> headers;  // names in lower case, in order
  std::string body;
  std::string address;  // where the connection ends: "127.0.0.1:3141"
  // Its sender has shown that it may ask: the connection keeps its place in a
  // full house. On the loop only; empty outside of the server.
  std::function<void()> keep_place;

  // The first value of a header, "" if there is none. `name` in lower case.
  [[nodiscard]] std::string_view Get(std::string_view name) const {
    for (const Header& header : headers) {
      if (header.first == name) return header.second;
    }
    return {};
  }
  [[nodiscard]] bool Has(std::string_view name) const {
    for (const Header& header : headers) {
      if (header.first == name) return true;
    }
    return false;
  }
};

struct Response {
  int status = 200;
  std::vector<Header> headers;
  std::string body;
  std::string_view fixed_body;  // instead of body: bytes that outlive the server
  bool close = false;           // end the connection behind it
  // The connection becomes a stream: `body` first, then what the Feed of the
  // server has behind `cursor`, until either side closes.
  bool stream = false;
  uint64_t cursor = 0;

  Response& Add(std::string name, std::string value) {
    headers.emplace_back(std::move(name), std::move(value));
    return *this;
  }
};

}  // namespace selftune::dashboard::http
