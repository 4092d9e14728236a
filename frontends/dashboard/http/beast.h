// The HTTP library (docs/decisions/0014-boost-beast.md), for the files of this
// folder that hold sockets; nothing else includes it.
#pragma once

#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/span_body.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace selftune::dashboard::http {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace bhttp = boost::beast::http;
using Tcp = net::ip::tcp;
using boost::system::error_code;
// Named by their executor: the loop is known, nothing is looked up at run time.
using Stream = beast::basic_stream<Tcp, net::io_context::executor_type>;
using Acceptor = net::basic_socket_acceptor<Tcp, net::io_context::executor_type>;
using Socket = net::basic_stream_socket<Tcp, net::io_context::executor_type>;

}  // namespace selftune::dashboard::http
