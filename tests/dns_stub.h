/*
 * tests/dns_stub.h -- a name server of the test's own, UDP and TCP on one port
 * of 127.0.0.1, that answers questions for TXT records from a table.
 */
#ifndef TESTS_DNS_STUB_H
#define TESTS_DNS_STUB_H

#include <netinet/in.h>

#define DNS_STUB_TEXTS	8

enum dns_stub_how {
	DNS_STUB_ANSWER,	/* cut short over UDP if it is too large */
	DNS_STUB_HOLD,		/* no answer until a name of RELEASE is asked */
	DNS_STUB_RELEASE,	/* an answer, after those that are held */
	DNS_STUB_ONLY_TCP,	/* cut short to nothing over UDP */
	DNS_STUB_TCP_SILENT,	/* and over TCP nothing comes */
	DNS_STUB_TCP_SHORT,	/* or half of it */
	DNS_STUB_TCP_EMPTY,	/* or a message of no bytes */
	DNS_STUB_TCP_OTHER,	/* or an answer with another id */
	DNS_STUB_BROKEN,	/* one record less than it says */
	DNS_STUB_FAIL,		/* SERVFAIL */
};

/* A name that ends in "*" stands for all that begin so.  Others: NXDOMAIN. */
struct dns_stub_name {
	const char		*name;		/* without "_dnsaddr." */
	enum dns_stub_how	 how;
	unsigned		 many;		/* the first text, so often; */
						/* %u in it counts */
	const char		*texts[DNS_STUB_TEXTS];
};

struct dns_stub;

/*
 * The table ends in a name of NULL and is borrowed.  The end answers what is
 * held, so that nobody waits on.
 */
struct dns_stub	*dns_stub_new(const struct dns_stub_name *names);
void	dns_stub_free(struct dns_stub *s);

const struct sockaddr_in *dns_stub_address(const struct dns_stub *s);

/* Wait until so many questions for the name (NULL: any) have come. */
void	dns_stub_wait(struct dns_stub *s, const char *name, unsigned n);

/* How many came so far, and over TCP. */
unsigned	dns_stub_asked(struct dns_stub *s, const char *name);
unsigned	dns_stub_tcp(struct dns_stub *s);

#endif
