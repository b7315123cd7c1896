/**
 * The probability flow: vector fields, solvers that compile to plans, adaptive control, likelihood,
 * refined grids. The entry is {@link org.fewstep.flow.Flow}.
 */
package org.fewstep.flow;
