/* A server that answers every DynamoDB call with the same bytes, as fast as a socket allows.
 *
 *   null_server CANNED SECONDS
 *
 * CANNED holds whole HTTP responses, each after a line "NAME LENGTH": NAME is the operation of
 * X-Amz-Target (GetItem, ...), "UpdateItem/ALL_NEW" for an update that asks for the item back,
 * "Query/FILTERED", "Query/PROJECTED", "Query/BACKWARD" and "Query/LIMIT" for a query with a filter,
 * with a projection, in descending order, or with a limit, "BatchGetItem/ONE" for a batch of one key
 * (of those with "sk"),
 * "unsigned" for a request without a SigV4 signature and "unknown" for every other operation.
 * The port, chosen by the system on 127.0.0.1, is printed as the first line of standard output.
 * One thread, epoll, HTTP/1.1 with keep-alive and pipelining. It ends after SECONDS, or when its
 * parent is gone, whichever comes first.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_RESPONSES 64
#define MAX_HEAD (64 * 1024)
#define MAX_BODY (32UL * 1024 * 1024)
#define PARENT_CHECK_MS 200

struct response {
    char name[64];
    const char *bytes;
    size_t length;
};

struct connection {
    int fd;
    char *in; /* what came and is not answered yet */
    size_t have, room;
    const char *out; /* what is still to be written */
    size_t left;
    int closing; /* the client asked for Connection: close */
    int blocked; /* epoll waits for room to write, not for requests */
};

static struct response responses[MAX_RESPONSES];
static int response_count;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

static void *need(void *memory) {
    if (!memory) fail("memory");
    return memory;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static const struct response *find(const char *name, size_t length) {
    for (int i = 0; i < response_count; i++)
        if (!strncmp(responses[i].name, name, length) && !responses[i].name[length])
            return &responses[i];
    return length == 7 && !memcmp(name, "unknown", 7) ? NULL : find("unknown", 7);
}

/* Read the file of canned responses; its memory is kept until the end. */
static void load(const char *path) {
    FILE *file = fopen(path, "rb");
    char line[128];
    if (!file) fail(path);
    while (fgets(line, sizeof line, file)) {
        struct response *r = &responses[response_count];
        char *bytes;
        if (response_count++ == MAX_RESPONSES || sscanf(line, "%63s %zu", r->name, &r->length) != 2) {
            fprintf(stderr, "%s: not a file of responses\n", path);
            exit(1);
        }
        bytes = need(malloc(r->length + 1));
        if (fread(bytes, 1, r->length, file) != r->length) fail(path);
        r->bytes = bytes;
    }
    fclose(file);
    if (!find("unknown", 7) || !find("unsigned", 8)) {
        fprintf(stderr, "%s: no answer for unknown or unsigned requests\n", path);
        exit(1);
    }
}

static int nonblocking(int fd) {
    return fcntl(fd, F_SETFL, fcntl(fd, F_GETFL, 0) | O_NONBLOCK);
}

/* The value of a header line, or NULL when the line is another header's. */
static const char *value_of(const char *line, const char *end, const char *name) {
    size_t n = strlen(name);
    if ((size_t)(end - line) <= n || line[n] != ':' || strncasecmp(line, name, n)) return NULL;
    line += n + 1;
    while (line < end && (*line == ' ' || *line == '\t')) line++;
    return line;
}

struct head {
    size_t length;  /* of the head, with its empty line */
    size_t body;    /* Content-Length */
    int is_signed, wants_close;
    const char *operation;
    size_t operation_length;
};

/* 1: a head was read; 0: not whole yet; -1: not a request that is understood. */
static int read_head(const struct connection *c, struct head *head) {
    const char *end = memmem(c->in, c->have, "\r\n\r\n", 4), *line, *eol, *value;
    if (!end) return c->have > MAX_HEAD ? -1 : 0;
    memset(head, 0, sizeof *head);
    head->length = (size_t)(end - c->in) + 4;
    end += 2;
    for (line = memmem(c->in, head->length, "\r\n", 2) + 2; line < end; line = eol + 2) {
        eol = memmem(line, (size_t)(end - line), "\r\n", 2);
        if (!eol) return -1;
        if ((value = value_of(line, eol, "content-length"))) {
            head->body = strtoul(value, NULL, 10);
            if (head->body > MAX_BODY) return -1;
        } else if ((value = value_of(line, eol, "x-amz-target"))) {
            const char *dot = memchr(value, '.', (size_t)(eol - value));
            head->operation = dot ? dot + 1 : value;
            head->operation_length = (size_t)(eol - head->operation);
        } else if ((value = value_of(line, eol, "authorization"))) {
            head->is_signed = eol - value > 17 && !memcmp(value, "AWS4-HMAC-SHA256 ", 17);
        } else if ((value = value_of(line, eol, "connection"))) {
            head->wants_close = eol - value == 5 && !strncasecmp(value, "close", 5);
        } else if (value_of(line, eol, "transfer-encoding")) {
            return -1; /* no AWS client sends chunks to DynamoDB */
        }
    }
    return 1;
}

static int is(const struct head *head, const char *operation) {
    size_t length = strlen(operation);
    return head->operation_length == length && !memcmp(head->operation, operation, length);
}

/* How often *text* is in *body*, counted up to 2. */
static int count(const char *body, size_t length, const char *text) {
    const char *end = body + length, *found = memmem(body, length, text, strlen(text));
    return !found ? 0 : memmem(found + 1, (size_t)(end - found) - 1, text, strlen(text)) ? 2 : 1;
}

static const struct response *answer(const struct connection *c, const struct head *head) {
    const char *body = c->in + head->length;
    if (!head->is_signed) return find("unsigned", 8);
    if (!head->operation) return find("unknown", 7);
    if (is(head, "UpdateItem") && count(body, head->body, "\"ALL_NEW\""))
        return find("UpdateItem/ALL_NEW", 18);
    if (is(head, "Query")) {
        if (count(body, head->body, "\"FilterExpression\"")) return find("Query/FILTERED", 14);
        if (count(body, head->body, "\"ProjectionExpression\"")) return find("Query/PROJECTED", 15);
        if (count(body, head->body, "\"ScanIndexForward\":false") ||
            count(body, head->body, "\"ScanIndexForward\": false"))
            return find("Query/BACKWARD", 14);
        if (count(body, head->body, "\"Limit\"")) return find("Query/LIMIT", 11);
    }
    if (is(head, "BatchGetItem") && count(body, head->body, "\"sk\"") == 1)
        return find("BatchGetItem/ONE", 16);
    return find(head->operation, head->operation_length);
}

/* Write what is left; 0: all written, 1: the client must read first, -1: it is gone. */
static int flush(struct connection *c) {
    while (c->left) {
        ssize_t n = send(c->fd, c->out, c->left, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 1 : -1;
        c->out += n;
        c->left -= (size_t)n;
    }
    return c->closing ? -1 : 0;
}

/* Answer each whole request that has come; as flush() returns. */
static int serve(struct connection *c) {
    struct head head;
    int state = flush(c);
    while (!state) {
        int read = read_head(c, &head);
        const struct response *r;
        size_t whole;
        if (read < 0) return -1;
        if (!read || c->have < (whole = head.length + head.body)) return 0;
        r = answer(c, &head);
        c->out = r->bytes;
        c->left = r->length;
        c->closing = head.wants_close;
        c->have -= whole;
        memmove(c->in, c->in + whole, c->have);
        state = flush(c);
    }
    return state;
}

static int receive(struct connection *c) {
    for (;;) {
        ssize_t n;
        if (c->have == c->room) {
            if (c->room > MAX_HEAD + MAX_BODY) return -1;
            c->in = need(realloc(c->in, c->room *= 2));
        }
        n = recv(c->fd, c->in + c->have, c->room - c->have, 0);
        if (n == 0) return -1;
        if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : errno == EINTR ? 0 : -1;
        c->have += (size_t)n;
        if (c->have < c->room) return 0; /* drained: epoll is level-triggered, so nothing is lost */
    }
}

static void welcome(int epoll, int listener) {
    int fd, yes = 1;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        struct connection *c = need(calloc(1, sizeof *c));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
        c->fd = fd;
        c->in = need(malloc(c->room = 16 * 1024));
        nonblocking(fd);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
    }
}

static void goodbye(struct connection *c) {
    close(c->fd); /* which takes it out of epoll, too */
    free(c->in);
    free(c);
}

static void handle(int epoll, struct connection *c) {
    struct epoll_event event = {.data.ptr = c};
    int state = c->left ? 0 : receive(c);
    if (!state) state = serve(c);
    if (state < 0) {
        goodbye(c);
        return;
    }
    /* While an answer waits for its reader, nothing more is read from it. */
    if (state == c->blocked) return;
    c->blocked = state;
    event.events = state ? EPOLLOUT : EPOLLIN;
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event)) fail("epoll_ctl");
}

static int listening(void) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes)) fail("socket");
    if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 1024)) fail("listen");
    nonblocking(fd);
    getsockname(fd, (struct sockaddr *)&address, &length);
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv) {
    struct epoll_event events[256], event = {.events = EPOLLIN, .data.ptr = NULL};
    int epoll = epoll_create1(0), listener;
    pid_t parent = getppid();
    double end;
    if (argc != 3) {
        fprintf(stderr, "usage: null_server CANNED SECONDS\n");
        return 2;
    }
    end = now() + atof(argv[2]);
    signal(SIGPIPE, SIG_IGN);
    load(argv[1]);
    listener = listening();
    if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event)) fail("epoll");
    double next_check = 0;
    for (;;) {
        double time = now();
        if (time >= next_check) {
            if (time > end || getppid() != parent) return 0;
            next_check = time + PARENT_CHECK_MS / 1e3;
        }
        int n = epoll_wait(epoll, events, 256, PARENT_CHECK_MS);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr) handle(epoll, events[i].data.ptr);
            else welcome(epoll, listener);
        }
    }
}
