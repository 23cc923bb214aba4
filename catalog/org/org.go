// Package org holds organizations, what they may act as, the people in them and the keys people prove
// themselves with. It is pure: no store, no clock. Who may do what with which capacity and role is policy's
// table; here is only which capacities and roles exist and which exclude each other.
package org
