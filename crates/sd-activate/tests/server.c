/* A server that opens its own port on 127.0.0.1, and takes no other: server PORT [MILLISECONDS until it listens]. It answers each message
 * with its process id and the message; to "crash" it exits with 3 and answers nothing. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct pollfd fds[64] = {{.events = POLLIN}};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int count = 1, yes = 1;

	if (argc > 2)
		usleep(1000 * atoi(argv[2]));
	address.sin_port = htons(atoi(argv[1]));
	fds[0].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fds[0].fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fds[0].fd, (struct sockaddr *)&address, sizeof(address)) || listen(fds[0].fd, 64)) {
		perror("server");
		return 1;
	}
	for (;;) {
		poll(fds, count, -1);
		for (int i = count - 1; i > 0; i--) {
			char message[256], answer[300];
			ssize_t length;

			if (!fds[i].revents)
				continue;
			length = read(fds[i].fd, message, sizeof(message) - 1);
			if (length <= 0) {
				close(fds[i].fd);
				fds[i] = fds[--count];
				continue;
			}
			message[length] = 0;
			if (!strcmp(message, "crash"))
				return 3;
			length = snprintf(answer, sizeof(answer), "%d %s", getpid(), message);
			if (write(fds[i].fd, answer, length) != length)
				return 4;
		}
		if (fds[0].revents && count < 64)
			fds[count++] = (struct pollfd){.fd = accept(fds[0].fd, NULL, NULL), .events = POLLIN};
	}
}
