#include "dashboard/http/server.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "dashboard/http/beast.h"
#include "dashboard/http/connection.h"

namespace selftune::dashboard::http {
namespace {

using std::chrono::milliseconds;

// Connections beyond the limit that are told so; more are closed unheard.
constexpr size_t kTurnedAway = 16;
constexpr milliseconds kLookAgain{10};  // while the last responses go out

bool IsLoopback(const Tcp::endpoint& peer) {
  const auto address = peer.address();
  return address.is_loopback() ||
         (address.is_v6() && address.to_v6().is_v4_mapped() &&
          net::ip::make_address_v4(net::ip::v4_mapped, address.to_v6()).is_loopback());
}

}  // namespace

struct Server::Impl : ServerState {
  explicit Impl(Options from) : ServerState{std::move(from)}, signals(loop, SIGINT, SIGTERM) {}

  net::signal_set signals;
  std::vector<Acceptor> acceptors;

  void Accept(size_t which);
  void Welcome(Socket socket);
  [[nodiscard]] bool MakeRoom();
  void AwaitSignal();
  void EndWhenIdle();
};

void Server::Impl::Accept(size_t which) {
  acceptors[which].async_accept([this, which](error_code error, Socket socket) {
    if (error == net::error::operation_aborted || stopping) return;
    if (!error) Welcome(std::move(socket));
    if (!error || error == net::error::connection_aborted) {
      Accept(which);
      return;
    }
    // No descriptors left, most likely: wait for some to come back.
    auto timer = std::make_shared<net::steady_timer>(loop, milliseconds(100));
    timer->async_wait([this, which, timer](error_code) {
      if (!stopping) Accept(which);
    });
  });
}

void Server::Impl::Welcome(Socket socket) {
  error_code error;
  const Tcp::endpoint peer = socket.remote_endpoint(error);
  if (error || !IsLoopback(peer)) return;
  (void)socket.set_option(Tcp::no_delay(true), error);
  const bool full = open.size() >= options.limits.connections && !MakeRoom();
  if (full && turned_away >= kTurnedAway) return;
  std::make_shared<Connection>(*this, std::move(socket), full)->Begin();
}

// The oldest connection that has not shown that it may ask gives way, first among
// those that have not even asked: other users of the machine, and pages of other
// sites, can open as many as they like.
bool Server::Impl::MakeRoom() {
  Connection* oldest = nullptr;
  for (Connection* const each : open) {
    if (each->stays()) continue;
    const auto rank = [](const Connection& of) { return std::pair(of.asked(), of.arrival()); };
    if (oldest == nullptr || rank(*each) < rank(*oldest)) oldest = each;
  }
  if (oldest == nullptr) return false;
  oldest->GiveWay();
  return true;
}

void Server::Impl::AwaitSignal() {
  signals.async_wait([this](error_code error, int) {
    if (error) return;
    options.on_signal();
    AwaitSignal();
  });
}

void Server::Impl::EndWhenIdle() {
  const bool busy = std::any_of(open.begin(), open.end(),
                                [](const Connection* each) { return each->answering(); });
  if (!busy) {
    loop.stop();
    return;
  }
  auto timer = std::make_shared<net::steady_timer>(loop, kLookAgain);
  timer->async_wait([this, timer](error_code) { EndWhenIdle(); });
}

Server::Server(Options options) : impl_(std::make_unique<Impl>(std::move(options))) {}

Server::~Server() = default;

void Server::Run() {
  for (const int descriptor : impl_->options.listeners) {
    sockaddr_storage address = {};
    socklen_t size = sizeof address;
    getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
    impl_->acceptors.emplace_back(
        impl_->loop, address.ss_family == AF_INET6 ? Tcp::v6() : Tcp::v4(), descriptor);
  }
  for (size_t i = 0; i < impl_->acceptors.size(); ++i) impl_->Accept(i);
  impl_->AwaitSignal();
  impl_->loop.run();
}

void Server::Post(std::function<void()> work) { net::post(impl_->loop, std::move(work)); }

void Server::After(milliseconds delay, std::function<void()> work) {
  auto timer = std::make_shared<net::steady_timer>(impl_->loop, delay);
  timer->async_wait([timer, work = std::move(work)](error_code error) {
    if (!error) work();
  });
}

void Server::WakeStreams() {
  for (Connection* connection : impl_->open) connection->Pump();
}

void Server::SendToStreams(std::string extra) {
  const auto frame = std::make_shared<const std::string>(std::move(extra));
  for (Connection* connection : impl_->open) connection->SendExtra(frame);
}

void Server::Stop(milliseconds grace) {
  if (std::exchange(impl_->stopping, true)) return;
  error_code ignored;
  for (auto& acceptor : impl_->acceptors) (void)acceptor.close(ignored);
  const std::vector<Connection*> all(impl_->open.begin(), impl_->open.end());
  for (Connection* connection : all) connection->Retire();
  After(grace, [this] { impl_->loop.stop(); });
  impl_->EndWhenIdle();
}

size_t Server::connections() const { return impl_->open.size(); }
size_t Server::streams() const { return impl_->streams; }
uint64_t Server::requests() const { return impl_->requests; }

}  // namespace selftune::dashboard::http
