// The command line of selftune-dashboard.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

namespace selftune::dashboard {

inline constexpr int kDefaultPort = 3141;

struct Options {
  std::string home;
  std::string db;
  std::string web_dir;
  int port = kDefaultPort;
  bool port_given = false;
  bool restart = false;
  bool open_browser = true;
  bool allow_root = false;
  bool read_only = false;
  bool json = false;
  bool text = false;
  bool help = false;
  size_t max_streams = 16;
  std::chrono::milliseconds idle_exit{0};
};

struct ParsedOptions {
  Options options;
  std::string error;  // "" = fine
};
[[nodiscard]] ParsedOptions ParseOptions(int argc, char** argv);

[[nodiscard]] std::string_view HelpText();

}  // namespace selftune::dashboard
