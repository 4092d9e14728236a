// HTTP by libcurl, which is loaded when the first request is made: linking it
// would bring 33 libraries into every start of every program.
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "base/status_macros.h"
#include "base/strings.h"
#include "net/transport.h"

namespace selftune::net {
namespace {

constexpr size_t kMaxReplyBytes = 8 << 20;
constexpr long kConnectSeconds = 10;
constexpr std::array kLibraries = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl.4.dylib"};

// What is used of libcurl, by the names it exports.
struct Curl {
  decltype(&curl_global_init) global_init = nullptr;
  decltype(&curl_easy_init) easy_init = nullptr;
  decltype(&curl_easy_setopt) setopt = nullptr;
  decltype(&curl_easy_perform) perform = nullptr;
  decltype(&curl_easy_getinfo) getinfo = nullptr;
  decltype(&curl_easy_cleanup) cleanup = nullptr;
  decltype(&curl_easy_strerror) strerror = nullptr;
  decltype(&curl_slist_append) append = nullptr;
  decltype(&curl_slist_free_all) free_all = nullptr;
};

template <typename Function>
bool Find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  return function != nullptr;
}

// Never closed: its TLS library registers what runs at the end of the process.
StatusOr<Curl> LoadCurl() {
  void* library = nullptr;
  for (const char* const name : kLibraries) {
    if (library == nullptr) library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
  }
  Curl curl;
  if (library == nullptr || !Find(library, "curl_global_init", curl.global_init) ||
      !Find(library, "curl_easy_init", curl.easy_init) ||
      !Find(library, "curl_easy_setopt", curl.setopt) ||
      !Find(library, "curl_easy_perform", curl.perform) ||
      !Find(library, "curl_easy_getinfo", curl.getinfo) ||
      !Find(library, "curl_easy_cleanup", curl.cleanup) ||
      !Find(library, "curl_easy_strerror", curl.strerror) ||
      !Find(library, "curl_slist_append", curl.append) ||
      !Find(library, "curl_slist_free_all", curl.free_all) ||
      curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return WithSuggestion(Fail(kApiFailed, "loading the HTTP client: libcurl is not installed"),
                          "install libcurl 4 (Debian: libcurl4), or set llm_mode to \"agent\"",
                          "selftune config set llm_mode agent");
  }
  return curl;
}

// What arrives during one request.
struct Exchange {
  const base::Cancel* cancel = nullptr;
  HttpReply reply;
  bool too_large = false;
};

size_t OnBody(char* data, size_t size, size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  if (exchange.reply.body.size() + size * count > kMaxReplyBytes) {
    exchange.too_large = true;
    return 0;
  }
  exchange.reply.body.append(data, size * count);
  return size * count;
}

size_t OnHeader(char* data, size_t size, size_t count, void* context) {
  auto& exchange = *static_cast<Exchange*>(context);
  const std::string_view line = base::Trim(std::string_view(data, size * count));
  if (line.starts_with("HTTP/")) exchange.reply.headers.clear();  // after a "100 Continue"
  const size_t colon = line.find(':');
  if (colon != std::string_view::npos) {
    exchange.reply.headers[base::AsciiLower(line.substr(0, colon))] =
        std::string(base::Trim(line.substr(colon + 1)));
  }
  return size * count;
}

int OnProgress(void* context, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const base::Cancel* const cancel = static_cast<Exchange*>(context)->cancel;
  return cancel != nullptr && cancel->requested() ? 1 : 0;
}

class CurlTransport final : public Transport {
 public:
  explicit CurlTransport(const Curl& curl) : curl_(curl) {}

  StatusOr<HttpReply> Post(const HttpPost& post) override {
    const std::unique_ptr<CURL, decltype(curl_.cleanup)> handle(curl_.easy_init(), curl_.cleanup);
    if (handle == nullptr) return Fail(kApiFailed, "starting a request: libcurl has no memory");
    std::unique_ptr<curl_slist, decltype(curl_.free_all)> headers(nullptr, curl_.free_all);
    for (const std::string& header : post.headers) {
      curl_slist* const longer = curl_.append(headers.get(), header.c_str());
      if (longer == nullptr) return Fail(kApiFailed, "starting a request: libcurl has no memory");
      static_cast<void>(headers.release());
      headers.reset(longer);
    }
    Exchange exchange;
    exchange.cancel = post.cancel;
    SetUp(handle.get(), post, headers.get(), exchange);
    const CURLcode code = curl_.perform(handle.get());
    if (code != CURLE_OK) return Failure(code, exchange, post);
    long status = 0;
    curl_.getinfo(handle.get(), CURLINFO_RESPONSE_CODE, &status);
    exchange.reply.status = static_cast<int>(status);
    return std::move(exchange.reply);
  }

 private:
  void SetUp(CURL* handle, const HttpPost& post, curl_slist* headers, Exchange& exchange) const {
    const bool here = IsLoopback(post.url);
    curl_.setopt(handle, CURLOPT_URL, post.url.c_str());
    curl_.setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_.setopt(handle, CURLOPT_POST, 1L);
    curl_.setopt(handle, CURLOPT_POSTFIELDS, post.body.data());
    curl_.setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(post.body.size()));
    // Set in any case: libcurl reads variables of the process otherwise.
    curl_.setopt(handle, CURLOPT_PROXY, here ? "" : post.proxy.c_str());
    curl_.setopt(handle, CURLOPT_NOPROXY, post.no_proxy.c_str());
    curl_.setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_.setopt(handle, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    curl_.setopt(handle, CURLOPT_ACCEPT_ENCODING, nullptr);
    curl_.setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_.setopt(handle, CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
    curl_.setopt(handle, CURLOPT_TIMEOUT_MS, std::max(1L, static_cast<long>(post.timeout.count())));
    curl_.setopt(handle, CURLOPT_WRITEFUNCTION, &OnBody);
    curl_.setopt(handle, CURLOPT_WRITEDATA, &exchange);
    curl_.setopt(handle, CURLOPT_HEADERFUNCTION, &OnHeader);
    curl_.setopt(handle, CURLOPT_HEADERDATA, &exchange);
    curl_.setopt(handle, CURLOPT_XFERINFOFUNCTION, &OnProgress);
    curl_.setopt(handle, CURLOPT_XFERINFODATA, &exchange);
    curl_.setopt(handle, CURLOPT_NOPROGRESS, 0L);
  }

  Status Failure(CURLcode code, const Exchange& exchange, const HttpPost& post) const {
    if (code == CURLE_ABORTED_BY_CALLBACK)
      return Fail(kCancelledError, "asking a model: cancelled");
    if (exchange.too_large) {
      return Fail(kApiFailed, "asking a model: the reply is larger than {} MiB",
                  kMaxReplyBytes >> 20);
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
      return Fail(kTimeout, "asking a model: no answer after {} ms", post.timeout.count());
    }
    const bool trust = code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE;
    const bool request = code == CURLE_URL_MALFORMAT || code == CURLE_UNSUPPORTED_PROTOCOL;
    return Fail(trust || request ? kApiFailed : kBackendUnavailable, "asking a model: {}",
                curl_.strerror(code));
  }

  Curl curl_;
};

}  // namespace

bool HasClient() { return true; }

StatusOr<Transport*> SharedTransport() {
  // Once a process, and not before it is needed; kept to its end.
  static const auto* const kTransport = [] {
    auto made = std::make_unique<StatusOr<std::unique_ptr<Transport>>>();
    StatusOr<Curl> curl = LoadCurl();
    if (curl.ok()) {
      *made = std::make_unique<CurlTransport>(*curl);
    } else {
      *made = curl.status();
    }
    return made.release();
  }();
  if (!kTransport->ok()) return kTransport->status();
  return kTransport->value().get();
}

}  // namespace selftune::net
