/*
 * transport/dns_txt.h -- one question for TXT records, with a deadline.
 *
 * Spec: RFC 1035, 4.2 (UDP and TCP); RFC 6891 (EDNS0).
 */
#ifndef TRANSPORT_DNS_TXT_H
#define TRANSPORT_DNS_TXT_H

#include <stddef.h>
#include <stdint.h>

struct sockaddr_in;

#define DNS_TXT_TIME_S	10	/* longest look-up of one name */

/*
 * Ask the name servers of resolv.conf(5), or this one alone if it is not NULL,
 * for the TXT records of name.  buf has room for DNSADDR_ANSWER_MAX bytes, *len
 * of them are the answer (see dnsaddr_get()).  Blocks up to the deadline and
 * DNS_TXT_TIME_S at the longest, in whole seconds, since libc counts these.
 * Returns 0, or P2P_ERR_DNS.
 */
int	dns_txt(const char *name, const struct sockaddr_in *server,
	    uint64_t deadline, uint8_t *buf, size_t *len);

#endif
