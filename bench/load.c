/*
 * load: a load generator for TCP and UDP servers, for use over the loopback.
 * Linux, one thread, no dependency: cc -O2 -Wall -Wextra -o load load.c
 * With TLS, which needs OpenSSL: cc -O2 -DWITH_TLS -o load load.c -lssl -lcrypto
 *
 *   load MODE HOST PORT [--connections N] [--size BYTES] [--seconds S]
 *                       [--pipeline P] [--requests N] [--bytes N] [--pid N]
 *                       [--tls true]
 *
 *   echo     kept connections ping-pong messages; every echoed byte is checked
 *   lines    the same with lower-case lines, which may come back in upper case
 *   compute  kept connections send "go\n" and wait for a line
 *   request  connect, line out, line in, half-close, end of file; repeatedly
 *   mixed    one kept connection sends "heavy\n" again and again; the others do
 *            as in request, and only theirs are counted
 *   burst    --requests connects at once, held open; then one line over each
 *   idle     opens connections, sends one line over each, and when those are
 *            answered prints its result and holds them until stdin ends
 *   fanout   each client gets a line at first; then one sends a line, and each
 *            takes it 100 times, which counts as one message; repeatedly
 *   drain    sends --bytes as a line, takes that many bytes: lines of 64, of "x"
 *   fill     sends one line of --bytes, takes a line with their number
 *   udp      ping-pong of datagrams; a lost one is resent after 100 ms
 *
 * Prints one line of JSON. Exits with 0, with 1 if there was no connection at
 * all (udp: no reply), with 2 for a usage error. Of the fields,
 *   messages, seconds  are what was counted, after a warm-up of 0.5 s;
 *   p50_us, p99_us     are from the start of a message to the end of its reply
 *                      (request: from connect to end of file), 4 s at most;
 *   lost               are the datagrams that were resent, of the whole run;
 *   errors             are failed connects, lost connections, wrong replies
 *                      and clients without a reply; stderr has the first;
 *   resets             are those errors that were connection resets;
 *   all_connected_ms, all_answered_ms  are from the first connect until the
 *                      last client was connected, or answered, or had failed;
 *   mib_per_second     is of --bytes, after a warm-up of a 16th of them;
 *   cpu_us             is the processor time, user and system, that process
 *                      --pid, its threads and children used meanwhile: for a
 *                      message, a connect of a burst, or a MiB. Without --pid
 *                      it is left out.
 * With --tls, for modes echo, lines, compute and request, each connection makes
 * a full handshake of TLS 1.3, always with the same cipher and group, and
 * believes any certificate; it begins with the first message.
 * --seconds is the time measured; in burst, idle, drain and fill it only sets
 * when to give up. After --seconds + 10 s the process ends in any case, by
 * SIGALRM.
 */
#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#ifdef WITH_TLS
#include <openssl/err.h>
#include <openssl/ssl.h>
#endif

enum { CHUNK = 1 << 16, MAX_SIZE = 1 << 24, MAX_DATAGRAM = 65507 };
enum { BULK_CHUNK = 1 << 18, BULK_LINE = 64, MIB = 1 << 20 };
#define HEAVY "heavy\n"
enum { MS = 1000, SECOND = 1000 * MS }; /* times are in microseconds */
enum { COPIES = 100 }; /* of a line, for each client of a fan-out */
enum { WARM_UP = 500 * MS, TICK = 10 * MS, RESEND = 100 * MS, BINS = 1 << 22 };

struct client {
  int fd;                     /* -1 while closed */
  bool heavy;                 /* (mixed) it is the one of heavy requests */
  uint32_t interest;          /* the events epoll watches for */
  bool connecting;            /* the connect is still under way */
  bool half_closed;           /* (request) answered, end of file is to come */
  uint64_t sent, received;    /* bytes, over this connection */
  uint64_t started, finished; /* messages, over this connection */
  uint64_t answered;          /* messages, over all of its connections */
  size_t offset;              /* where in the pattern its stream starts */
  int64_t *start_times;       /* of messages in flight, a ring of --pipeline */
  int64_t sent_at;            /* (udp) when a datagram was last sent */
#ifdef WITH_TLS
  SSL *tls; /* null without TLS */
#endif
};

struct mode {
  const char *name;
  void (*run)(void);
  void (*on_reply)(struct client *); /* may be null */
  void (*tick)(void);                /* called every 10 ms; may be null */
  const char *letters;               /* what lines are made of; else bytes */
  bool any_line, udp;                /* replies are any line; else an echo */
  int connections, size, seconds;    /* the defaults */
};

static const struct mode *mode;
static int connections, requests = 10000;
static size_t size, pipeline = 1;
static double seconds, bytes = 1 << 30;
static long pid; /* of the server; 0 if its processor time is not wanted */

static int epoll_fd, client_count;
static struct sockaddr_storage address;
static socklen_t address_size;
static struct client *clients;
static char *pattern; /* the period, and its first CHUNK bytes once more */
static size_t period; /* a multiple of the message size */
static char buffer[CHUNK], bulk[BULK_CHUNK];
static int64_t window_start, window_end; /* replies between these count */
static bool stopping;                    /* start no new messages */
static int connecting, in_flight;        /* clients; messages */
static unsigned long connected, answered, messages, errors, resets, lost;
static long cpu_ticks;        /* of the server, while it was measured */
static unsigned histogram[BINS]; /* of latencies, one bin per microsecond */

static int64_t now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * SECOND + t.tv_nsec / 1000;
}

static void *allocate(size_t count, size_t each) {
  void *memory = calloc(count, each);
  if (memory == NULL) err(1, "calloc");
  return memory;
}

static void record(int64_t start) {
  int64_t now = now_us();
  if (now < window_start || now >= window_end) return;
  histogram[now - start < BINS ? now - start : BINS - 1]++;
  messages++;
}

static int percentile(double fraction) {
  unsigned long seen = 0;
  for (int us = 0; us < BINS; us++) {
    seen += histogram[us];
    if ((double)seen > (double)messages * fraction) return us;
  }
  return 0;
}

static void count_error(int error) {
  if (errors++ == 0) warnx("first error: %s", strerror(error));
  resets += error == ECONNRESET || error == EPIPE;
}

static void count_silent(void) {
  for (struct client *c = clients; c < clients + client_count; c++) {
    if (c->fd >= 0 && c->answered == 0) count_error(ETIMEDOUT);
  }
}

/* The processor time of a process and its children so far, in clock ticks. */
static long ticks_of(long process) {
  char path[64], stat[1024] = "";
  snprintf(path, sizeof path, "/proc/%ld/stat", process);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 0; /* it has ended: its parent has its time */
  size_t length = fread(stat, 1, sizeof stat - 1, file);
  fclose(file);
  long user = 0, system = 0, waited_user = 0, waited_system = 0;
  const char *name_end = length > 0 ? strrchr(stat, ')') : NULL;
  if (name_end != NULL) { /* proc(5): these are the fields 14 to 17 */
    sscanf(name_end + 2, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld %ld"
           " %ld %ld", &user, &system, &waited_user, &waited_system);
  }
  long ticks = user + system + waited_user + waited_system, child;
  snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", process, process);
  if ((file = fopen(path, "r")) == NULL) return ticks;
  while (fscanf(file, "%ld", &child) == 1) ticks += ticks_of(child);
  fclose(file);
  return ticks;
}

static void start_cpu(void) { cpu_ticks = pid == 0 ? 0 : ticks_of(pid); }

static void stop_cpu(void) {
  if (pid != 0) cpu_ticks = ticks_of(pid) - cpu_ticks;
}

/* Prints what was used for each of so many. */
static void print_cpu(double count) {
  if (pid == 0 || count == 0) return;
  printf(",\"cpu_us\":%.3f",
         (double)cpu_ticks * SECOND / (double)sysconf(_SC_CLK_TCK) / count);
}

static void print_rates(void) {
  printf("{\"mode\":\"%s\",\"messages\":%lu,\"seconds\":%.3f,"
         "\"per_second\":%.1f,\"errors\":%lu,", mode->name, messages, seconds,
         (double)messages / seconds, errors);
  if (mode->udp) printf("\"lost\":%lu,", lost);
  printf("\"p50_us\":%d,\"p99_us\":%d", percentile(0.5), percentile(0.99));
  print_cpu((double)messages);
  printf("}\n");
}

/* Messages differ from each other, so that mixed-up replies are noticed. */
static char byte_at(size_t i) {
  const char *letters = mode->letters;
  if (letters == NULL) return (char)(i * 2654435761u >> 24);
  if (i % size == size - 1) return '\n';
  return letters[(i % size + 2 * (i / size)) % strlen(letters)];
}

static void make_pattern(void) {
  period = size < CHUNK ? CHUNK / size * size : size;
  pattern = allocate(period + CHUNK, 1);
  for (size_t i = 0; i < period + CHUNK; i++) pattern[i] = byte_at(i % period);
}

/* The bytes of a client's stream from a position on: all that may be sent. */
static const char *stream_at(const struct client *c, uint64_t position) {
  if (c->heavy) return HEAVY + position % size; /* it has one under way */
  return pattern + (c->offset + position) % period;
}

static bool is_echo(const struct client *c, const char *data, size_t n) {
  const char *want = stream_at(c, c->received);
  bool too_many = c->received + n > c->started * size;
  if (too_many || (mode->udp && n != size)) return false;
  if (mode->letters == NULL) return memcmp(data, want, n) == 0;
  for (size_t i = 0; i < n; i++) { /* 0x20: the bit of lower case */
    if (data[i] != want[i] && data[i] != (want[i] & ~0x20)) return false;
  }
  return true;
}

/* Returns how many replies n more bytes complete, or -1 if they are wrong. */
static int take_bytes(struct client *c, const char *data, size_t n) {
  bool any_line = mode->any_line || c->heavy;
  const char *newline = any_line ? memchr(data, '\n', n) : NULL;
  if (any_line && c->finished == c->started) return -1;
  if (newline != NULL) return newline == data + n - 1 ? 1 : -1;
  if (any_line) return 0;
  if (!is_echo(c, data, n)) return lost > 0 ? 0 : -1; /* 0: it is only late */
  c->received += n;
  return (int)(c->received / size - (c->received - n) / size);
}

/* Those up to close_tls() are recv(), send() and so on, or the same over TLS. */

#ifdef WITH_TLS
static SSL_CTX *tls; /* null if TLS is not wanted */

static void make_tls(void) {
  tls = SSL_CTX_new(TLS_client_method());
  if (tls == NULL || !SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) ||
      !SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256") ||
      !SSL_CTX_set1_groups_list(tls, "X25519")) {
    errx(1, "cannot use OpenSSL");
  }
  SSL_CTX_set_options(tls, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE |
                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                        SSL_MODE_RELEASE_BUFFERS);
}

static void open_tls(struct client *c) {
  if (tls == NULL) return;
  c->tls = SSL_new(tls);
  if (c->tls == NULL || !SSL_set_fd(c->tls, c->fd)) errx(1, "SSL_new");
  SSL_set_connect_state(c->tls);
}

/* What a call of OpenSSL gave, as recv() and send() would. */
static ssize_t result_of(struct client *c, int n) {
  if (n > 0) return n;
  int error = SSL_get_error(c->tls, n), system = errno;
  ERR_clear_error();
  if (error == SSL_ERROR_ZERO_RETURN) return 0;
  bool waits = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
  bool is_system = error == SSL_ERROR_SYSCALL && system != 0;
  errno = waits ? EAGAIN : is_system ? system : EPROTO;
  return -1;
}

static ssize_t take(struct client *c, void *data, size_t n) {
  if (c->tls == NULL) return recv(c->fd, data, n, 0);
  return result_of(c, SSL_read(c->tls, data, (int)n));
}

static ssize_t put(struct client *c, const void *data, size_t n) {
  if (c->tls == NULL) return send(c->fd, data, n, 0);
  return result_of(c, SSL_write(c->tls, data, (int)n));
}

/* What a write waits for: a handshake that is under way may have to read. */
static uint32_t wanted(struct client *c) {
  return c->tls != NULL && SSL_want_read(c->tls) ? EPOLLIN : EPOLLIN | EPOLLOUT;
}

static void end_tls(struct client *c) {
  if (c->tls != NULL) SSL_shutdown(c->tls);
}

static void close_tls(struct client *c) {
  SSL_free(c->tls);
  c->tls = NULL;
}
#else
static void make_tls(void) { errx(2, "built without TLS"); }
static void open_tls(struct client *c) { (void)c; }
static ssize_t take(struct client *c, void *data, size_t n) {
  return recv(c->fd, data, n, 0);
}
static ssize_t put(struct client *c, const void *data, size_t n) {
  return send(c->fd, data, n, 0);
}
static uint32_t wanted(struct client *c) {
  (void)c;
  return EPOLLIN | EPOLLOUT;
}
static void end_tls(struct client *c) { (void)c; }
static void close_tls(struct client *c) { (void)c; }
#endif

/* Of the functions below, those that return bool tell if it is still open. */

static void watch(struct client *c, int operation, uint32_t interest) {
  struct epoll_event event = {.events = interest, .data.ptr = c};
  if (operation == EPOLL_CTL_MOD && c->interest == interest) return;
  c->interest = interest;
  epoll_ctl(epoll_fd, operation, c->fd, &event);
}

static void close_client(struct client *c) {
  close_tls(c);
  close(c->fd);
  c->fd = -1;
  connecting -= c->connecting;
  in_flight -= (int)(c->started - c->finished);
}

static bool fail(struct client *c, int error) {
  count_error(error);
  close_client(c);
  return false;
}

static void start_message(struct client *c) {
  c->sent_at = c->start_times[c->started++ % pipeline] = now_us();
  in_flight++;
}

/* Sends what was started; what is left waits until the socket is writable. */
static bool flush(struct client *c) {
  uint64_t goal = c->started * size;
  while (c->sent < goal) {
    size_t n = goal - c->sent < CHUNK ? goal - c->sent : CHUNK;
    ssize_t sent = put(c, stream_at(c, c->sent), n);
    if (sent < 0 && errno == EAGAIN) break;
    if (sent < 0) return fail(c, errno);
    c->sent += (uint64_t)sent;
  }
  watch(c, EPOLL_CTL_MOD, c->sent < goal ? wanted(c) : EPOLLIN);
  return true;
}

/* Opens a client that starts with the given number of messages. */
static bool open_client(struct client *c, int first_messages) {
  int type = SOCK_NONBLOCK | (mode->udp ? SOCK_DGRAM : SOCK_STREAM);
  c->connecting = true, connecting++;
  c->half_closed = false;
  c->sent = c->received = c->started = c->finished = 0;
  while (first_messages-- > 0) start_message(c);
  c->fd = socket(address.ss_family, type, 0);
  if (c->fd < 0) return fail(c, errno);
  int result = connect(c->fd, (struct sockaddr *)&address, address_size);
  if (result < 0 && errno != EINPROGRESS) return fail(c, errno);
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
  open_tls(c);
  watch(c, EPOLL_CTL_ADD, EPOLLOUT);
  return true;
}

static bool finish_connect(struct client *c) {
  int error = 0;
  getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &(socklen_t){sizeof error});
  if (error != 0) return fail(c, error);
  c->connecting = false, connecting--, connected++;
  return flush(c);
}

static bool end_of_file(struct client *c) {
  if (!c->answered || c->finished < c->started) return fail(c, ECONNABORTED);
  close_client(c);
  if (c->half_closed) record(c->start_times[0]);
  return c->half_closed && !stopping && open_client(c, 1);
}

static bool receive(struct client *c) {
  ssize_t n = take(c, buffer, sizeof buffer);
  if (n < 0 && errno == EAGAIN) return flush(c); /* TLS may be ready now */
  if (n < 0) return fail(c, errno);
  if (n == 0) return end_of_file(c);
  int replies = take_bytes(c, buffer, (size_t)n);
  if (replies < 0) return fail(c, EBADMSG);
  for (; replies > 0; replies--) {
    c->finished++, in_flight--;
    c->answered++, answered++;
    if (mode->on_reply != NULL) mode->on_reply(c);
  }
  return flush(c);
}

static void next_message(struct client *c) {
  record(c->start_times[(c->finished - 1) % pipeline]);
  if (!stopping) start_message(c);
}

static void half_close(struct client *c) {
  c->half_closed = true;
  end_tls(c);
  shutdown(c->fd, SHUT_WR);
}

static void next_heavy_or_half_close(struct client *c) {
  if (!c->heavy) half_close(c);
  else if (!stopping) start_message(c);
}

static void reopen(void) {
  for (struct client *c = clients; c < clients + client_count; c++) {
    if (c->fd < 0 && !stopping) open_client(c, 1);
  }
}

static void resend(void) {
  for (struct client *c = clients; c < clients + client_count; c++) {
    if (c->fd < 0 || c->finished == c->started) continue;
    if (now_us() - c->sent_at < RESEND) continue;
    lost++;
    c->sent = c->finished * size;
    c->sent_at = now_us();
    flush(c);
  }
}

/* Runs as long as the number is above 0, up to a limit in seconds. */
static void run_while(const int *above_zero, double limit) {
  struct epoll_event events[256];
  int64_t now, next_tick = 0, end = now_us() + (int64_t)(limit * SECOND);
  while (*above_zero > 0 && (now = now_us()) < end) {
    if (mode->tick != NULL && now >= next_tick) {
      mode->tick();
      next_tick = now + TICK;
    }
    int count = epoll_wait(epoll_fd, events, 256, TICK / MS);
    for (int i = 0; i < count; i++) {
      struct client *c = events[i].data.ptr;
      bool open = c->connecting ? finish_connect(c) : flush(c);
      if (open && events[i].events & ~(uint32_t)EPOLLOUT) receive(c);
    }
  }
}

static void make_clients(int count) {
  clients = allocate((size_t)count, sizeof *clients);
  client_count = count;
  for (int i = 0; i < count; i++) {
    clients[i].fd = -1;
    clients[i].offset = (size_t)i * 7 * size % period;
    clients[i].start_times = allocate(pipeline, sizeof(int64_t));
  }
}

/* Those that take longer stay, and count as errors unless they get a reply. */
static void connect_all(int count, double limit) {
  make_clients(count);
  for (int i = 0; i < count; i++) open_client(&clients[i], 0);
  run_while(&connecting, limit);
}

static void start_all(size_t each) {
  for (struct client *c = clients; c < clients + client_count; c++) {
    if (c->fd < 0) continue;
    for (size_t k = 0; k < each; k++) start_message(c);
    if (!c->connecting) flush(c);
  }
}

/* Runs the warm-up and the measured time, then awaits the last replies. */
static void run_window(void) {
  window_start = now_us() + WARM_UP;
  window_end = window_start + (int64_t)(seconds * SECOND);
  run_while(&client_count, (double)WARM_UP / SECOND);
  start_cpu();
  run_while(&client_count, seconds);
  stop_cpu();
  stopping = true;
  run_while(&in_flight, 1);
  count_silent();
  print_rates();
}

static void run_kept(void) {
  connect_all(connections, 7);
  start_all(pipeline);
  run_window();
}

static void run_request(void) {
  make_clients(connections);
  run_window(); /* reopen() opens them */
}

static void run_mixed(void) {
  make_clients(connections);
  clients[0].heavy = true;
  run_window();
}

static void run_burst(void) {
  /* As others warm up: a server may start workers after its first reply. */
  usleep(WARM_UP);
  int64_t start = now_us();
  start_cpu();
  connect_all(requests, seconds / 2 + 4);
  double all_connected = (double)(now_us() - start) / MS;
  start_all(1);
  run_while(&in_flight, seconds / 2 + 4);
  double all_answered = (double)(now_us() - start) / MS;
  stop_cpu();
  count_silent();
  printf("{\"mode\":\"burst\",\"requests\":%d,\"connected\":%lu,"
         "\"answered\":%lu,\"all_connected_ms\":%.1f,\"all_answered_ms\":%.1f,"
         "\"resets\":%lu,\"errors\":%lu", requests, connected, answered,
         all_connected, all_answered, resets, errors);
  print_cpu(requests);
  printf("}\n");
}

/* Those below block, and return what went wrong, or 0. */

static int drain(int fd, uint64_t count) {
  char lines[2 * BULK_LINE];
  memset(lines, 'x', sizeof lines);
  lines[BULK_LINE - 1] = lines[2 * BULK_LINE - 1] = '\n';
  if (dprintf(fd, "%llu\n", (unsigned long long)count) < 0) return errno;
  for (uint64_t got = 0; got < count;) {
    ssize_t n = recv(fd, bulk, sizeof bulk, 0);
    if (n <= 0) return n < 0 ? errno : ECONNABORTED;
    size_t checked = n < BULK_LINE ? (size_t)n : BULK_LINE;
    if (memcmp(bulk, lines + got % BULK_LINE, checked) != 0) return EBADMSG;
    got += (uint64_t)n;
    if (got > count) return EBADMSG;
  }
  return 0;
}

static int take_count(int fd, uint64_t count) {
  char want[32] = "", got[sizeof want] = "";
  size_t length = 0;
  snprintf(want, sizeof want, "%llu\n", (unsigned long long)count);
  while (length < strlen(want)) {
    ssize_t n = recv(fd, got + length, sizeof got - 1 - length, 0);
    if (n <= 0) return n < 0 ? errno : ECONNABORTED;
    length += (size_t)n;
    if (memchr(got, '\n', length) != NULL) break;
  }
  return strcmp(got, want) == 0 ? 0 : EBADMSG;
}

/* Takes the line of a broadcast, all the times that it comes. */
static int take_copies(int fd, const char *line) {
  for (size_t got = 0, count = COPIES * size; got < count;) {
    size_t room = count - got < sizeof bulk ? count - got : sizeof bulk;
    ssize_t n = recv(fd, bulk, room, 0);
    if (n <= 0) return n < 0 ? errno : ECONNABORTED;
    for (size_t i = 0; i < (size_t)n; i++, got++) {
      if (bulk[i] != line[got % size]) return EBADMSG;
    }
  }
  return 0;
}

static int take_greeting(int fd) {
  for (char letter = 0; letter != '\n';) {
    ssize_t n = recv(fd, &letter, 1, 0);
    if (n <= 0) return n < 0 ? errno : ECONNABORTED;
  }
  return 0;
}

static int fill(int fd, uint64_t count) {
  memset(bulk, 'x', sizeof bulk);
  for (uint64_t left = count; left > 0;) {
    size_t n = left < sizeof bulk ? left : sizeof bulk;
    if (n == left) bulk[n - 1] = '\n';
    ssize_t sent = send(fd, bulk, n, 0);
    if (sent < 0) return errno;
    left -= (uint64_t)sent;
  }
  return take_count(fd, count);
}

static int blocking_connection(void) {
  int fd = socket(address.ss_family, SOCK_STREAM, 0);
  if (fd < 0) err(1, "socket");
  if (connect(fd, (struct sockaddr *)&address, address_size) < 0) {
    err(1, "connect");
  }
  connected++;
  return fd;
}

static void run_fanout(void) {
  int *fds = allocate((size_t)connections, sizeof *fds), error = 0;
  for (int i = 0; i < connections && error == 0; i++) {
    fds[i] = blocking_connection();
    error = take_greeting(fds[i]);
  }
  window_start = now_us() + WARM_UP;
  window_end = window_start + (int64_t)(seconds * SECOND);
  bool is_warm = false;
  for (size_t line = 0; error == 0 && now_us() < window_end; line += size) {
    int64_t start = now_us();
    if (!is_warm && start >= window_start) {
      is_warm = true;
      start_cpu();
    }
    const char *text = pattern + line % period;
    if (send(fds[0], text, size, 0) < 0) error = errno;
    for (int i = 0; i < connections && error == 0; i++) {
      error = take_copies(fds[i], text);
    }
    if (error == 0) record(start);
  }
  stop_cpu();
  if (error != 0) count_error(error);
  print_rates();
}

static void run_bulk(int (*transfer)(int fd, uint64_t count)) {
  int fd = blocking_connection();
  int error = transfer(fd, (uint64_t)bytes / 16 / BULK_LINE * BULK_LINE);
  int64_t start = now_us();
  start_cpu();
  if (error == 0) error = transfer(fd, (uint64_t)bytes);
  stop_cpu();
  if (error != 0) count_error(error);
  double rate = bytes / MIB * SECOND / (double)(now_us() - start);
  printf("{\"mode\":\"%s\",\"bytes\":%.0f,\"mib_per_second\":%.1f,"
         "\"errors\":%lu", mode->name, bytes, error == 0 ? rate : 0, errors);
  print_cpu(bytes / MIB);
  printf("}\n");
}

static void run_drain(void) { run_bulk(drain); }

static void run_fill(void) { run_bulk(fill); }

static void run_idle(void) {
  connect_all(connections, 7);
  start_all(1);
  run_while(&in_flight, 7);
  count_silent();
  printf("{\"mode\":\"idle\",\"connected\":%lu,\"answered\":%lu,"
         "\"errors\":%lu}\n", connected, answered, errors);
  fflush(stdout);
  while (connected > 0 && read(0, buffer, sizeof buffer) > 0) continue;
}

#define AZ "abcdefghijklmnopqrstuvwxyz"
static const struct mode modes[] = {
    /* name, run, on_reply, tick, letters, any_line, udp, then the defaults */
    {"echo", run_kept, next_message, NULL, NULL, false, false, 64, 64, 5},
    {"lines", run_kept, next_message, NULL, AZ, false, false, 64, 64, 5},
    {"compute", run_kept, next_message, NULL, "go", true, false, 8, 3, 5},
    {"request", run_request, half_close, reopen, AZ, true, false, 32, 64, 5},
    {"mixed", run_mixed, next_heavy_or_half_close, reopen, AZ, false, false, 9,
     sizeof HEAVY - 1, 5},
    {"burst", run_burst, NULL, NULL, AZ, false, false, 1, 64, 30},
    {"idle", run_idle, NULL, NULL, AZ, false, false, 64, 64, 300},
    {"fanout", run_fanout, NULL, NULL, AZ, false, false, 30, 64, 5},
    {"drain", run_drain, NULL, NULL, AZ, false, false, 1, 64, 30},
    {"fill", run_fill, NULL, NULL, AZ, false, false, 1, 64, 30},
    {"udp", run_kept, next_message, resend, NULL, false, true, 32, 64, 5},
};

static void usage(void) {
  errx(2, "usage: load echo|lines|compute|request|mixed|burst|idle|fanout"
          "|drain|fill|udp HOST PORT [--connections N] [--size BYTES] [--seconds S]"
          " [--pipeline P] [--requests N] [--bytes N] [--pid N] [--tls true]");
}

static double number(const char *text, double low, double high) {
  char *end;
  double value = strtod(text, &end);
  if (end == text || *end != '\0' || !(value >= low && value <= high)) usage();
  return value;
}

static void parse(int argc, char **argv) {
  if (argc < 4 || argc % 2 != 0) usage();
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    if (!strcmp(modes[i].name, argv[1])) mode = &modes[i];
  }
  if (mode == NULL) usage();
  connections = mode->connections, size = mode->size, seconds = mode->seconds;
  for (int i = 4; i < argc; i += 2) {
    const char *name = argv[i], *value = argv[i + 1];
    if (!strcmp(name, "--tls")) make_tls();
    else if (!strcmp(name, "--connections")) connections = number(value, 1, 1e6);
    else if (!strcmp(name, "--size")) size = number(value, 1, MAX_SIZE);
    else if (!strcmp(name, "--seconds")) seconds = number(value, 0.001, 1e6);
    else if (!strcmp(name, "--pipeline")) pipeline = number(value, 1, 1e6);
    else if (!strcmp(name, "--requests")) requests = number(value, 1, 1e6);
    else if (!strcmp(name, "--bytes")) bytes = number(value, 1024, 1e12);
    else if (!strcmp(name, "--pid")) pid = (long)number(value, 1, INT32_MAX);
    else usage();
  }
  if (mode->udp && size > MAX_DATAGRAM) usage();
  if (mode->run == run_mixed && size != strlen(HEAVY)) usage();
  if (mode->any_line || mode->udp || mode->run == run_mixed) pipeline = 1;
}

static void resolve(const char *host, const char *port) {
  struct addrinfo *found, hints = {.ai_socktype = SOCK_STREAM};
  int error = getaddrinfo(host, port, &hints, &found);
  if (error != 0) errx(1, "%s port %s: %s", host, port, gai_strerror(error));
  memcpy(&address, found->ai_addr, found->ai_addrlen);
  address_size = found->ai_addrlen;
  freeaddrinfo(found);
}

int main(int argc, char **argv) {
  parse(argc, argv);
  alarm((unsigned)seconds + 10);
  signal(SIGPIPE, SIG_IGN);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  resolve(argv[2], argv[3]);
  make_pattern();
  epoll_fd = epoll_create1(0);
  mode->run();
  return connected == 0 || (mode->udp && answered == 0);
}
