import struct,sys,uuid,subprocess,base64
src,cert,out=sys.argv[1:]
fd=bytearray(open(src,'rb').read())
der=open(cert,'rb').read()
AUTH=uuid.UUID('aaf32c78-947b-439a-a180-2e144ec37792').bytes_le
at=fd.index(AUTH)
size,fmt,state=struct.unpack_from('<IBB',fd,at+16)
print(hex(at),hex(size),hex(fmt),hex(state))
p=at+28
while fd[p:p+2]==b'\xaa\x55':
    ns,ds=struct.unpack_from('<II',fd,p+36)
    print('var',fd[p+60:p+60+ns].decode('utf-16le'))
    p=(p+60+ns+ds+3)&~3
esl=uuid.UUID('a5c059a1-94e4-4aa7-87b5-ab155c2bf072').bytes_le+struct.pack('<III',28+16+len(der),0,16+len(der))+uuid.uuid4().bytes_le+der
name='db\0'.encode('utf-16le')
ts=struct.pack('<HBBBBBBIhBB',2026,1,1,0,0,0,0,0,0,0,0)
var=struct.pack('<HBBIQ',0x55aa,0x3f,0,0x27,0)+ts+struct.pack('<III',0,len(name),len(esl))+uuid.UUID('d719b2cb-3d3a-4596-a3bc-dad00e67656f').bytes_le+name+esl
fd[p:p+len(var)]=var
open(out,'wb').write(fd)
