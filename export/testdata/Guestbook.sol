// SPDX-License-Identifier: MIT
pragma solidity ^0.8.20;

interface IVerifier {
    function verifyProof(bytes calldata proof, uint256[5] calldata input) external view;
}

/// A guestbook that each member of a registry signs once a day: an example of what
/// the caller of an exported verifier checks. The verifier proves the statement
/// alone; what the statement says is computed here, and nothing of it is taken from
/// the sender but the root, which must be one that was published, and the nullifier.
contract Guestbook {
    uint256 constant R = 0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001;
    uint32 constant LIMIT = 1;
    uint32 constant DAY = 86400;

    IVerifier immutable verifier;
    address immutable registrar;
    bytes32 immutable params;
    bytes32 immutable registry;
    uint16 immutable circuit;

    /// The sequence number of each root that was published, of which none is 0.
    mapping(uint256 => uint64) public sequenceOf;
    /// The nullifiers that were used, by scope.
    mapping(bytes32 => mapping(uint256 => bool)) public used;

    event Signed(uint256 nullifier, bytes entry);

    error NotRegistrar();
    error UnknownRoot();
    error SlotUsed();

    constructor(IVerifier verifier_, uint16 circuit_, bytes32 params_, bytes32 registry_) {
        verifier = verifier_;
        registrar = msg.sender;
        circuit = circuit_;
        params = params_;
        registry = registry_;
    }

    /// Publishes a root; sequence 0 revokes one.
    function publish(uint256 root, uint64 sequence) external {
        if (msg.sender != registrar) revert NotRegistrar();
        sequenceOf[root] = sequence;
    }

    /// Signs the guestbook with an entry. The message that the proof authorises is
    /// the sender's address, then the entry: nobody else can send the same proof.
    function sign(bytes calldata entry, uint256 root, uint256 nullifier, bytes calldata proof) external {
        uint64 sequence = sequenceOf[root];
        if (sequence == 0) revert UnknownRoot();
        bytes32 scope = todaysScope();
        if (used[scope][nullifier]) revert SlotUsed();
        used[scope][nullifier] = true;
        bytes32 message = sha256(abi.encodePacked(frame("zkkex/v1 message"), msg.sender, entry));
        uint256 binding = uint256(bindingOf(message, sequence, scope)) % R;
        verifier.verifyProof(proof, [root, uint256(scope) % R, LIMIT, nullifier, binding]);
        emit Signed(nullifier, entry);
    }

    /// The named scope "guestbook" of docs/spec/statement.md, in epochs of a day.
    function todaysScope() public view returns (bytes32) {
        bytes memory epoch = abi.encodePacked(uint32(20), uint64(0), DAY, uint64(block.timestamp / DAY));
        return sha256(bytes.concat(frame("zkkex/v1 scope named"), frame("guestbook"), abi.encodePacked(uint32(32), registry), epoch));
    }

    /// The binding of docs/spec/statement.md. A field of a fixed size is framed by it.
    function bindingOf(bytes32 message, uint64 sequence, bytes32 scope) internal view returns (bytes32) {
        bytes memory head = abi.encodePacked(uint32(32), message, uint32(2), circuit, uint32(32), params);
        bytes memory tail = abi.encodePacked(uint32(32), registry, uint32(8), sequence, uint32(32), scope, uint32(4), LIMIT);
        return sha256(bytes.concat(frame("zkkex/v1 binding message"), head, tail));
    }

    /// The frame of docs/spec/hashes.md.
    function frame(bytes memory x) internal pure returns (bytes memory) {
        return abi.encodePacked(uint32(x.length), x);
    }
}
