// A UDP socket that hands datagrams to JavaScript by the batch: one recvmmsg, one call, one sendmmsg.
// It moves bytes and decides nothing. README.md says why it exists and what it may do.
#define _GNU_SOURCE
#define NAPI_VERSION 9
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <node_api.h>
#include <uv.h>

// Must equal those of load-udp-batch.ts, which checks them at load.
#define INTERFACE_VERSION 2
#define BATCH 64
#define SLOT_BYTES 4096
/// Of a client: address (IPv4 as an IPv4-mapped IPv6 address) and port, in network order.
#define CLIENT_BYTES 18

/// Full batches served before the event loop gets its turn: TCP, timers and health checks must go on during a flood.
#define BATCHES_PER_TURN 4

typedef struct {
  napi_env env;
  napi_async_context context;
  napi_async_cleanup_hook_handle cleanup;
  uv_poll_t poll;
  int fd;
  sa_family_t family;
  bool is_closed;
  /// BATCH slots each, in memory that JavaScript owns and `memory` keeps alive.
  uint8_t* requests;
  uint8_t* responses;
  uint8_t* clients;
  uint16_t* lengths;
  napi_ref memory;
  napi_ref on_batch;
  struct sockaddr_storage peers[BATCH];
  struct iovec request_vectors[BATCH];
  struct mmsghdr incoming[BATCH];
  struct iovec response_vectors[BATCH];
  struct mmsghdr outgoing[BATCH];
} Socket;

static void describe_client(const struct sockaddr_storage* peer, uint8_t* client) {
  memset(client, 0, CLIENT_BYTES);
  if (peer->ss_family == AF_INET) {
    const struct sockaddr_in* v4 = (const struct sockaddr_in*)peer;
    client[10] = client[11] = 0xff;
    memcpy(client + 12, &v4->sin_addr, 4);
    memcpy(client + 16, &v4->sin_port, 2);
  } else if (peer->ss_family == AF_INET6) {
    const struct sockaddr_in6* v6 = (const struct sockaddr_in6*)peer;
    memcpy(client, &v6->sin6_addr, 16);
    memcpy(client + 16, &v6->sin6_port, 2);
  }
}

/// The reverse of describe_client, for a socket of `family`; 0 when that cannot reach the client.
static socklen_t address_client(const uint8_t* client, sa_family_t family,
                                struct sockaddr_storage* peer) {
  static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  memset(peer, 0, sizeof *peer);
  if (family == AF_INET) {
    if (memcmp(client, mapped, sizeof mapped) != 0) return 0;
    struct sockaddr_in* v4 = (struct sockaddr_in*)peer;
    v4->sin_family = AF_INET;
    memcpy(&v4->sin_addr, client + 12, 4);
    memcpy(&v4->sin_port, client + 16, 2);
    return sizeof *v4;
  }
  struct sockaddr_in6* v6 = (struct sockaddr_in6*)peer;
  v6->sin6_family = AF_INET6;
  memcpy(&v6->sin6_addr, client, 16);
  memcpy(&v6->sin6_port, client + 16, 2);
  return sizeof *v6;
}

/// Takes what has arrived, at most a batch; 0 when there is nothing.
static int receive(Socket* self) {
  for (int i = 0; i < BATCH; i++) {
    self->request_vectors[i] = (struct iovec){self->requests + i * SLOT_BYTES, SLOT_BYTES};
    self->incoming[i].msg_hdr = (struct msghdr){
        .msg_name = &self->peers[i],
        .msg_namelen = sizeof self->peers[i],
        .msg_iov = &self->request_vectors[i],
        .msg_iovlen = 1,
    };
  }
  int count;
  do count = recvmmsg(self->fd, self->incoming, BATCH, MSG_DONTWAIT, NULL);
  while (count < 0 && errno == EINTR);
  if (count <= 0) return 0;
  for (int i = 0; i < count; i++) {
    self->lengths[i] = (uint16_t)self->incoming[i].msg_len;
    describe_client(&self->peers[i], self->clients + i * CLIENT_BYTES);
  }
  return count;
}

/// Sends the responses that JavaScript wrote into `count` slots; returns how many could not be sent.
static uint32_t respond(Socket* self, int count) {
  unsigned int pending = 0;
  for (int i = 0; i < count; i++) {
    size_t length = self->lengths[i];
    if (length == 0 || length > SLOT_BYTES) continue;
    self->response_vectors[pending] = (struct iovec){self->responses + i * SLOT_BYTES, length};
    self->outgoing[pending].msg_hdr = (struct msghdr){
        .msg_name = &self->peers[i],
        .msg_namelen = self->incoming[i].msg_hdr.msg_namelen,
        .msg_iov = &self->response_vectors[pending],
        .msg_iovlen = 1,
    };
    pending++;
  }
  uint32_t failed = 0;
  for (unsigned int sent = 0; sent < pending;) {
    int done = sendmmsg(self->fd, self->outgoing + sent, pending - sent, MSG_DONTWAIT);
    if (done > 0) {
      sent += (unsigned int)done;
    } else if (errno != EINTR) {
      // The error is the first message's alone, so that one is given up: a client asks again.
      failed++;
      sent++;
    }
  }
  return failed;
}

/// Lets JavaScript answer the batch; false when it threw, which it must not, or closed the socket.
static bool answer(Socket* self, int count) {
  napi_value callback, receiver, argument, result;
  if (napi_get_reference_value(self->env, self->on_batch, &callback) != napi_ok) return false;
  napi_get_global(self->env, &receiver);
  napi_create_int32(self->env, count, &argument);
  napi_status status =
      napi_make_callback(self->env, self->context, receiver, callback, 1, &argument, &result);
  if (status == napi_pending_exception) {
    napi_value error;
    napi_get_and_clear_last_exception(self->env, &error);
    napi_fatal_exception(self->env, error);
  }
  return status == napi_ok && !self->is_closed;
}

static void report_failed(Socket* self, uint32_t failed) {
  napi_value callback, receiver, argument, result;
  if (napi_get_reference_value(self->env, self->on_batch, &callback) != napi_ok) return;
  napi_get_global(self->env, &receiver);
  // A negative count: so many of the last batch could not be sent.
  napi_create_int32(self->env, -(int32_t)failed, &argument);
  napi_make_callback(self->env, self->context, receiver, callback, 1, &argument, &result);
}

static void on_readable(uv_poll_t* poll, int status, int events) {
  Socket* self = poll->data;
  if (status < 0 || (events & UV_READABLE) == 0) return;
  for (int turn = 0; turn < BATCHES_PER_TURN; turn++) {
    int count = receive(self);
    if (count == 0) return;
    napi_handle_scope scope;
    if (napi_open_handle_scope(self->env, &scope) != napi_ok) return;
    bool goes_on = answer(self, count);
    if (goes_on) {
      uint32_t failed = respond(self, count);
      if (failed > 0) report_failed(self, failed);
      goes_on = !self->is_closed;
    }
    napi_close_handle_scope(self->env, scope);
    // Fewer than a batch: the queue was empty.
    if (!goes_on || count < BATCH) return;
  }
}

static void on_closed(uv_handle_t* handle) {
  Socket* self = handle->data;
  napi_remove_async_cleanup_hook(self->cleanup);
  free(self);
}

static void close_socket(Socket* self) {
  if (self->is_closed) return;
  self->is_closed = true;
  uv_poll_stop(&self->poll);
  // At once, so that the port is free when close() returns; nothing polls it any more.
  close(self->fd);
  napi_delete_reference(self->env, self->on_batch);
  napi_delete_reference(self->env, self->memory);
  napi_async_destroy(self->env, self->context);
  uv_close((uv_handle_t*)&self->poll, on_closed);
}

static void on_environment_ends(napi_async_cleanup_hook_handle hook, void* data) {
  (void)hook;
  close_socket(data);
}

static napi_value fail(napi_env env, int error) {
  napi_throw_error(env, uv_err_name(-error), uv_strerror(-error));
  return NULL;
}

/// Binds; -1 with errno set when that fails.
static int bind_socket(const char* host, uint16_t port, bool reuse_port) {
  struct sockaddr_storage address = {0};
  struct sockaddr_in* v4 = (struct sockaddr_in*)&address;
  struct sockaddr_in6* v6 = (struct sockaddr_in6*)&address;
  socklen_t length;
  if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    length = sizeof *v4;
  } else if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    length = sizeof *v6;
  } else {
    errno = EINVAL;
    return -1;
  }
  int fd = socket(address.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  int on = 1, off = 0;
  bool is_ok = !reuse_port || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
  // "::" takes IPv4 too, as node:dgram's sockets do.
  if (address.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (is_ok && bind(fd, (struct sockaddr*)&address, length) == 0) return fd;
  int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static uint16_t bound_port(int fd, sa_family_t* family) {
  struct sockaddr_storage address = {0};
  socklen_t length = sizeof address;
  if (getsockname(fd, (struct sockaddr*)&address, &length) != 0) return 0;
  *family = address.ss_family;
  return ntohs(address.ss_family == AF_INET ? ((struct sockaddr_in*)&address)->sin_port
                                            : ((struct sockaddr_in6*)&address)->sin6_port);
}

/// The memory of a typed array of exactly so many bytes; NULL otherwise.
static uint8_t* memory_of(napi_env env, napi_value object, const char* name, size_t bytes) {
  napi_value array;
  napi_typedarray_type type;
  size_t length;
  void* data;
  if (napi_get_named_property(env, object, name, &array) != napi_ok) return NULL;
  if (napi_get_typedarray_info(env, array, &type, &length, &data, NULL, NULL) != napi_ok) return NULL;
  size_t width = type == napi_uint16_array ? 2 : type == napi_uint8_array ? 1 : 0;
  return length * width == bytes ? data : NULL;
}

static bool take_memory(Socket* self, napi_value memory) {
  napi_env env = self->env;
  self->requests = memory_of(env, memory, "requests", BATCH * SLOT_BYTES);
  self->responses = memory_of(env, memory, "responses", BATCH * SLOT_BYTES);
  self->clients = memory_of(env, memory, "clients", BATCH * CLIENT_BYTES);
  self->lengths = (uint16_t*)memory_of(env, memory, "lengths", BATCH * sizeof(uint16_t));
  return self->requests && self->responses && self->clients && self->lengths &&
         ((uintptr_t)self->lengths & 1) == 0;
}

static void set_property(napi_env env, napi_value object, const char* name, uint32_t number) {
  napi_value value;
  napi_create_uint32(env, number, &value);
  napi_set_named_property(env, object, name, value);
}

static napi_value close_from_js(napi_env env, napi_callback_info info) {
  void* data;
  napi_value self;
  if (napi_get_cb_info(env, info, NULL, NULL, &self, &data) != napi_ok) return NULL;
  // The handle forgets its socket, so that a second call finds nothing.
  if (napi_remove_wrap(env, self, &data) == napi_ok) close_socket(data);
  return NULL;
}

/// The socket of a handle; NULL once it is closed, when nothing is wrapped any more.
static Socket* unwrap(napi_env env, napi_value handle) {
  void* data = NULL;
  return napi_unwrap(env, handle, &data) == napi_ok ? data : NULL;
}

/// send(client, response) -> whether the kernel took it; for responses that were not ready with their batch.
static napi_value send_from_js(napi_env env, napi_callback_info info) {
  napi_value this, arguments[2], result;
  size_t count = 2, lengths[2];
  void* bytes[2];
  napi_typedarray_type types[2];
  if (napi_get_cb_info(env, info, &count, arguments, &this, NULL) != napi_ok || count != 2) {
    return fail(env, EINVAL);
  }
  for (int i = 0; i < 2; i++) {
    if (napi_get_typedarray_info(env, arguments[i], &types[i], &lengths[i], &bytes[i], NULL, NULL) !=
            napi_ok ||
        types[i] != napi_uint8_array) {
      return fail(env, EINVAL);
    }
  }
  if (lengths[0] != CLIENT_BYTES || lengths[1] > SLOT_BYTES) return fail(env, EINVAL);
  bool is_sent = false;
  Socket* self = unwrap(env, this);
  if (self != NULL) {
    struct sockaddr_storage peer;
    socklen_t length = address_client(bytes[0], self->family, &peer);
    is_sent = length > 0 && sendto(self->fd, bytes[1], lengths[1], MSG_DONTWAIT,
                                   (struct sockaddr*)&peer, length) >= 0;
  }
  napi_get_boolean(env, is_sent, &result);
  return result;
}

/// queueFilled() -> bytes that wait to be read, as the part from 0 to 1 of those that may.
static napi_value queue_filled_from_js(napi_env env, napi_callback_info info) {
  napi_value this, result;
  if (napi_get_cb_info(env, info, NULL, NULL, &this, NULL) != napi_ok) return NULL;
  Socket* self = unwrap(env, this);
  uint32_t memory[SK_MEMINFO_VARS] = {0};
  socklen_t length = sizeof memory;
  double filled = 0;
  if (self != NULL && getsockopt(self->fd, SOL_SOCKET, SO_MEMINFO, memory, &length) == 0 &&
      memory[SK_MEMINFO_RCVBUF] > 0) {
    filled = (double)memory[SK_MEMINFO_RMEM_ALLOC] / memory[SK_MEMINFO_RCVBUF];
  }
  napi_create_double(env, filled, &result);
  return result;
}

/// setFilter(program) -> whether the kernel took it; an empty one takes the filter away. The kernel checks the program.
static napi_value set_filter_from_js(napi_env env, napi_callback_info info) {
  napi_value this, program, result;
  size_t count = 1, bytes;
  void* instructions;
  napi_typedarray_type type;
  if (napi_get_cb_info(env, info, &count, &program, &this, NULL) != napi_ok || count != 1 ||
      napi_get_typedarray_info(env, program, &type, &bytes, &instructions, NULL, NULL) != napi_ok ||
      type != napi_uint8_array || bytes % sizeof(struct sock_filter) != 0 ||
      bytes / sizeof(struct sock_filter) > BPF_MAXINSNS) {
    return fail(env, EINVAL);
  }
  Socket* self = unwrap(env, this);
  int status = -1;
  if (self != NULL && bytes == 0) {
    int none = 0;
    status = setsockopt(self->fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none);
    // There was none.
    if (status != 0 && errno == ENOENT) status = 0;
  } else if (self != NULL) {
    struct sock_fprog filter = {.len = (unsigned short)(bytes / sizeof(struct sock_filter)),
                                .filter = instructions};
    status = setsockopt(self->fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
  }
  napi_get_boolean(env, status == 0, &result);
  return result;
}

static void set_method(napi_env env, napi_value handle, const char* name, napi_callback method) {
  napi_value function;
  napi_create_function(env, name, NAPI_AUTO_LENGTH, method, NULL, &function);
  napi_set_named_property(env, handle, name, function);
}

/// open({ host, port, reusePort, queueBytes }, memory, onBatch) -> { port, send(client, response), queueFilled(), setFilter(program), close() }
static napi_value open_from_js(napi_env env, napi_callback_info info) {
  napi_value arguments[3], value;
  size_t count = 3;
  napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
  char host[INET6_ADDRSTRLEN] = {0};
  uint32_t port = 0, queue_bytes = 0;
  bool reuse_port = false;
  napi_valuetype callback_type = napi_undefined;
  bool is_well_called =
      count == 3 && napi_get_named_property(env, arguments[0], "host", &value) == napi_ok &&
      napi_get_value_string_utf8(env, value, host, sizeof host, NULL) == napi_ok &&
      napi_get_named_property(env, arguments[0], "port", &value) == napi_ok &&
      napi_get_value_uint32(env, value, &port) == napi_ok && port <= 65535 &&
      napi_get_named_property(env, arguments[0], "queueBytes", &value) == napi_ok &&
      napi_get_value_uint32(env, value, &queue_bytes) == napi_ok && queue_bytes <= INT32_MAX &&
      napi_get_named_property(env, arguments[0], "reusePort", &value) == napi_ok &&
      napi_get_value_bool(env, value, &reuse_port) == napi_ok &&
      napi_typeof(env, arguments[2], &callback_type) == napi_ok && callback_type == napi_function;
  Socket* self = is_well_called ? calloc(1, sizeof *self) : NULL;
  if (self == NULL) return fail(env, is_well_called ? ENOMEM : EINVAL);
  self->env = env;
  if (!take_memory(self, arguments[1])) {
    free(self);
    return fail(env, EINVAL);
  }
  self->fd = bind_socket(host, (uint16_t)port, reuse_port);
  if (self->fd < 0) {
    int error = errno;
    free(self);
    return fail(env, error);
  }
  // The kernel may grant less: a short queue is no reason not to serve.
  int queue = (int)queue_bytes;
  setsockopt(self->fd, SOL_SOCKET, SO_RCVBUF, &queue, sizeof queue);
  setsockopt(self->fd, SOL_SOCKET, SO_SNDBUF, &queue, sizeof queue);
  uv_loop_t* loop;
  napi_get_uv_event_loop(env, &loop);
  int error = uv_poll_init(loop, &self->poll, self->fd);
  if (error != 0) {
    close(self->fd);
    free(self);
    return fail(env, -error);
  }
  self->poll.data = self;
  napi_value handle, name;
  napi_create_string_utf8(env, "isthmus:udp-batch", NAPI_AUTO_LENGTH, &name);
  napi_async_init(env, NULL, name, &self->context);
  napi_create_reference(env, arguments[1], 1, &self->memory);
  napi_create_reference(env, arguments[2], 1, &self->on_batch);
  napi_add_async_cleanup_hook(env, on_environment_ends, self, &self->cleanup);
  uv_poll_start(&self->poll, UV_READABLE, on_readable);
  napi_create_object(env, &handle);
  napi_wrap(env, handle, self, NULL, NULL, NULL);
  set_property(env, handle, "port", bound_port(self->fd, &self->family));
  set_method(env, handle, "close", close_from_js);
  set_method(env, handle, "send", send_from_js);
  set_method(env, handle, "queueFilled", queue_filled_from_js);
  set_method(env, handle, "setFilter", set_filter_from_js);
  return handle;
}

NAPI_MODULE_INIT() {
  napi_value open_function;
  set_property(env, exports, "interfaceVersion", INTERFACE_VERSION);
  set_property(env, exports, "batch", BATCH);
  set_property(env, exports, "slotBytes", SLOT_BYTES);
  set_property(env, exports, "clientBytes", CLIENT_BYTES);
  napi_create_function(env, "open", NAPI_AUTO_LENGTH, open_from_js, NULL, &open_function);
  napi_set_named_property(env, exports, "open", open_function);
  return exports;
}
