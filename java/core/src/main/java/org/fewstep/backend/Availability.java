package org.fewstep.backend;

/**
 * Whether a backend can be opened here, and why (not).
 *
 * @param available whether {@link BackendProvider#open} will succeed
 * @param reason one line: what was found, or what is missing and how to get it
 */
public record Availability(boolean available, String reason) {}
